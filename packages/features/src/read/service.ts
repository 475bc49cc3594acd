/**
 * What a service answers: the features of its views by `view.feature`, and those that are derived from them.
 *
 * Guarantees: each id gets one row; an entity that several ids share is read once. A request that does not fit the schema of
 * the service is a MisuseError before anything is read.
 */
import { checkData, display, MisuseError } from '@holdfast/kernel';
import { isFlags } from '../definition/flags.js';
import type { Answer, Service } from '../definition/service.js';
import type { View } from '../definition/view.js';
import type { Pin } from '../generation/pins.js';
import { generateBlank } from '../row/generate.js';
import { timeOf } from '../row/header.js';
import type { ReadCache } from './cache.js';
import type { Cached, Found, Reader, WantedRows } from './reader.js';
import { type NullReason, ViewReader } from './view-reader.js';
import { type Wanted, wantedOf } from './wanted.js';

type Ids = Readonly<Record<string, unknown>>;

/** What a read needs beside the service. */
interface ServiceRead {
  /** What the program has called, as "get()". */
  readonly caller: string;
  readonly reader: Reader;
  readonly partitions: number;
  readonly ids: readonly Ids[];
  readonly request: unknown;
  readonly meta: boolean;
  readonly place: boolean;
  /** Undefined for a service without one. */
  readonly cache: ReadCache | undefined;
  readonly pin: Pin | undefined;
  /** How old what comes from the cache may be, in ms. */
  readonly fresh: number | undefined;
  readonly replica: boolean;
}

/** Exactly what a read has seen of a row. A view without history leaves no trace in the log, so its rows have none. */
export interface ReadPlace {
  /** The number of the partition. */
  readonly partition: number;
  /** "<epoch> <place>" of the last entry of the partition's log; '' before the first. */
  readonly at: string;
  readonly id: string;
  readonly generation: string;
  /** The number of the catalog's change by which the generation was live. */
  readonly n: number;
  /** The server's time by which the TTL and windows were judged, in microseconds since the epoch. */
  readonly now: number;
}

/** Of which row the features of a view come, or why they are null. */
export interface ViewMeta {
  /** Undefined for a row that is served. */
  readonly reason: NullReason | undefined;
  /** The event time; null for windows and flags, and for a row that is missing or torn. */
  readonly time: Date | null;
  /** How long ago that was by the server's clock, in ms; negative for a time that is ahead, null without a time. */
  readonly age: number | null;
  readonly generation: string;
  /** How long ago the row was asked for at most, in ms: more than Redis takes to answer only where it comes from a cache. */
  readonly readAge: number;
  /** Only with `place: true`, and not of flags. */
  readonly place?: ReadPlace;
}

/** An answer, and what is known of each view of the service, by its name there. */
export interface AnswerWithMeta<S> {
  readonly answer: Answer<S>;
  readonly views: S extends Service<string, infer V> ? { readonly [Name in keyof V]: ViewMeta } : never;
}

/** How a service is read, whatever the ids. */
interface Shape {
  /** The views of each entity, each view once: their rows have the same id. Flags stand alone. */
  readonly parts: readonly (readonly View[])[];
  readonly views: readonly View[];
  readonly columns: readonly Column[];
  /** An answer in which every feature is null. */
  readonly blank: () => Record<string, unknown>;
}

/** A view of a service. */
interface Column {
  readonly alias: string;
  readonly reader: ViewReader;
  /** The place of its entity in `parts`, and its own there. */
  readonly part: number;
  readonly place: number;
}

const shapes = new WeakMap<Service, Shape>();

function shapeOf(service: Service): Shape {
  const known = shapes.get(service);
  if (known !== undefined) return known;
  const parts: View[][] = [];
  const columns = Object.entries(service.views).map(([alias, view]): Column => {
    let part = parts.findIndex(([first]) => first !== undefined && lieTogether(first, view));
    if (part < 0) part = parts.push([]) - 1;
    const views = parts[part] as View[];
    if (!views.includes(view)) views.push(view);
    return { alias, reader: new ViewReader(view, `${alias}.`), part, place: views.indexOf(view) };
  });
  const blank = generateBlank(columns.flatMap(({ reader }) => reader.names));
  const shape = { parts, views: parts.flat(), columns, blank };
  shapes.set(service, shape);
  return shape;
}

const lieTogether = (one: View, other: View): boolean =>
  one === other || (one.entity === other.entity && !isFlags(one) && !isFlags(other));

/** Which rows a service reads for a list of ids. */
interface ServicePlan extends WantedRows {
  /** For each of the ids and each part, the place in `wanted` of the first of its rows, which follow each other. */
  readonly rows: readonly number[];
  readonly cached: Cached | undefined;
}

type PlanOf = Pick<ServiceRead, 'caller' | 'partitions' | 'ids' | 'cache'>;

/** Throws MisuseError, RowError. */
function planOf(
  service: Service,
  { parts, views }: Shape,
  { caller, partitions, ids, cache }: PlanOf,
): ServicePlan {
  if (!Array.isArray(ids)) {
    throw new MisuseError(`${caller} takes a list of ids, as [{ user: 'u1' }]; got ${display(ids)}.`);
  }
  const wanted: Wanted[] = [];
  const rows: number[] = [];
  const known = parts.map(() => new Map<string, number>());
  const groups = cache && new Map<string, { readonly key: string; readonly indexes: number[] }>();
  for (let index = 0; index < ids.length; index += 1) {
    const each = ids[index];
    if (typeof each !== 'object' || each === null || Array.isArray(each))
      throw noIds(service, each, `ids[${index}] of ${caller}`);
    for (let part = 0; part < parts.length; part += 1) {
      const together = parts[part] as readonly View[];
      const { id, partition } = wantedOf(together[0] as View, each, partitions);
      const places = known[part] as Map<string, number>;
      let first = places.get(id);
      if (first === undefined) {
        first = wanted.length;
        places.set(id, first);
        for (const view of together) {
          if (groups) groupOf(groups, `${view.entity.name}:${id}`).push(wanted.length);
          wanted.push({ view, id, partition });
        }
      }
      rows.push(first);
    }
  }
  return { views, wanted, rows, cached: groups && cache && { cache, groups: [...groups.values()] } };
}

/** Reads what is not in the cache yet. Throws MisuseError, RowError, UnavailableError. */
export async function warm(
  service: Service,
  { reader, ...read }: PlanOf & Pick<ServiceRead, 'reader'>,
): Promise<void> {
  const plan = planOf(service, shapeOf(service), read);
  await reader.find(plan, { cached: plan.cached });
}

/** One answer for each of the ids. Throws MisuseError, RowError, UnavailableError. */
export async function answerOf(service: Service, read: ServiceRead): Promise<readonly object[]> {
  const { reader, meta, place, fresh, replica, pin } = read;
  const shape = shapeOf(service);
  const plan = planOf(service, shape, read);
  const request = service.request === undefined ? undefined : await requestOf(service, read.request);
  const found = await reader.find(plan, { place, cached: plan.cached, fresh, replica, pin });
  const answers: Record<string, unknown>[] = [];
  for (let index = 0; index < read.ids.length; index += 1) answers.push(shape.blank());
  return reader.serve(
    plan,
    found,
    (serving) => {
      for (const { reader, part, place } of shape.columns) {
        const serve = serving(reader);
        for (let index = 0; index < answers.length; index += 1) {
          const first = plan.rows[index * shape.parts.length + part] as number;
          serve(first + place, answers[index] as Record<string, unknown>);
        }
      }
    },
    (reasons, answered) => {
      const whole = service.derive ? answers.map((answer) => derived(service, answer, request)) : answers;
      return meta ? withMeta(whole, shape, { plan, found, answered, reasons, place }) : whole;
    },
  );
}

function derived({ derive }: Service, answer: object, request: unknown): object {
  const added = derive?.(answer as never, request as never);
  return added === undefined ? answer : { ...answer, ...added };
}

interface Read {
  readonly plan: ServicePlan;
  readonly found: Found;
  /** When all was there, on the process's clock, in ms. */
  readonly answered: number;
  readonly reasons: readonly (NullReason | undefined)[];
  readonly place: boolean;
}

const withMeta = (answers: readonly object[], { parts, columns }: Shape, read: Read): readonly object[] =>
  answers.map((answer, index) => {
    const views = columns.map(({ alias, part, place }) => {
      const first = read.plan.rows[index * parts.length + part] as number;
      return [alias, metaOf(first + place, read)] as const;
    });
    return { answer, views: Object.fromEntries(views) };
  });

function metaOf(at: number, { plan, found, answered, reasons, place }: Read): ViewMeta {
  const { view, id, partition } = plan.wanted[at] as Wanted;
  const { pointers, now } = found;
  const time = eventTime(view, found.rows[at], reasons[at]);
  const known = {
    ...{ reason: reasons[at], time },
    age: time === null ? null : now / 1_000 - time.getTime(),
    generation: pointers.views.get(view.name)?.live ?? '',
    readAge: answered - (found.asked[at] ?? answered),
  };
  if (!place || isFlags(view)) return known;
  const read = { partition, at: found.places[at] ?? '', id, generation: known.generation };
  return { ...known, place: { ...read, n: pointers.n, now } };
}

/** Null for windows and flags, and for a row that is missing or torn. */
export function eventTime(
  { kind }: View,
  row: Buffer | null | undefined,
  reason: NullReason | undefined,
): Date | null {
  if (!row || kind !== 'rows' || reason === 'torn') return null;
  return new Date(timeOf(row) / 1_000);
}

function groupOf(groups: Map<string, { readonly key: string; readonly indexes: number[] }>, key: string) {
  const known = groups.get(key) ?? { key, indexes: [] };
  groups.set(key, known);
  return known.indexes;
}

function noIds({ views }: Service, ids: unknown, where: string): MisuseError {
  const parts = new Set(Object.values(views).flatMap(({ entity }) => entity.parts));
  const names = [...parts].map((part) => `"${part}": …`).join(', ');
  return new MisuseError(
    `${where} is not an object with an id for each entity, as ${names === '' ? '{}' : `{ ${names} }`}; got ${display(ids)}.`,
  );
}

async function requestOf({ name, request: schema }: Service, request: unknown): Promise<unknown> {
  if (schema === undefined) return undefined;
  return checkData(schema, request, { of: 'the request', owner: `service "${name}"` });
}
