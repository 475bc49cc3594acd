/**
 * What a service answers: the features of its views by `view.feature`, and those that are derived from them.
 *
 * Guarantees: each id gets one row; an entity that several ids share is read once. A request that does not fit the schema of
 * the service is a MisuseError before anything is read.
 */
import { checkData, display, MisuseError } from '@holdfast/kernel';
import { isFlags } from '../definition/flags.js';
import type { Answer, Service } from '../definition/service.js';
import type { Pin } from '../generation/pins.js';
import type { ReadCache } from './cache.js';
import type { Cached, NullReason, Reader } from './reader.js';
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

/** Which rows a service reads for a list of ids. */
interface ServicePlan {
  readonly wanted: readonly Wanted[];
  /** For each of the ids, the place in `wanted` of the row of each view. */
  readonly rows: readonly (readonly number[])[];
  readonly cached: Cached | undefined;
}

type PlanOf = Pick<ServiceRead, 'caller' | 'partitions' | 'ids' | 'cache'>;

/** Throws MisuseError, RowError. */
function planOf(service: Service, { caller, partitions, ids, cache }: PlanOf): ServicePlan {
  if (!Array.isArray(ids)) {
    throw new MisuseError(`${caller} takes a list of ids, as [{ user: 'u1' }]; got ${display(ids)}.`);
  }
  const wanted: Wanted[] = [];
  const places = new Map<string, number>();
  const groups = new Map<string, { readonly key: string; readonly indexes: number[] }>();
  const views = Object.values(service.views);
  const rows = Array.from(ids, (given, index) => {
    const each = requireIds(service, given, `ids[${index}] of ${caller}`);
    return views.map((view) => {
      const one = wantedOf(view, each, partitions);
      const name = `${view.name}:${one.id}`;
      const known = places.get(name);
      if (known !== undefined) return known;
      places.set(name, wanted.length);
      if (cache) groupOf(groups, `${view.entity.name}:${one.id}`).push(wanted.length);
      return wanted.push(one) - 1;
    });
  });
  return { wanted, rows, cached: cache && { cache, groups: groups.values() } };
}

/** Reads what is not in the cache yet. Throws MisuseError, RowError, UnavailableError. */
export async function warm(
  service: Service,
  { reader, ...read }: PlanOf & Pick<ServiceRead, 'reader'>,
): Promise<void> {
  const { wanted, cached } = planOf(service, read);
  await reader.read(wanted, { cached });
}

/** One answer for each of the ids. Throws MisuseError, RowError, UnavailableError. */
export async function answerOf(service: Service, read: ServiceRead): Promise<readonly object[]> {
  const { reader, meta, place, fresh, pin } = read;
  const { wanted, rows, cached } = planOf(service, read);
  const request = await requestOf(service, read.request);
  const views = Object.entries(service.views);
  const { rows: found, pointers, now, ...of } = await reader.read(wanted, { place, cached, fresh, pin });
  const metaOf = (at: number): ViewMeta => {
    const { view, id, partition } = wanted[at] as Wanted;
    const { reason, time = null } = found[at] ?? {};
    const generation = pointers.views.get(view.name)?.live ?? '';
    const age = time === null ? null : now / 1_000 - time.getTime();
    const known = { reason, time, age, generation, readAge: of.ages[at] ?? 0 };
    if (!place || isFlags(view)) return known;
    return {
      ...known,
      place: { partition, at: of.places[at] ?? '', id, generation, n: pointers.n, now },
    };
  };
  return rows.map((indexes) => {
    const answer: Record<string, unknown> = {};
    for (const [index, [alias, view]] of views.entries()) {
      const values = found[indexes[index] ?? 0]?.values ?? {};
      for (const feature in view.fields) answer[`${alias}.${feature}`] = values[feature];
    }
    const derived = service.derive?.(answer as never, request as never);
    const whole = derived === undefined ? answer : { ...answer, ...derived };
    if (!meta) return whole;
    const known = views.map(([alias], index) => [alias, metaOf(indexes[index] ?? 0)]);
    return { answer: whole, views: Object.fromEntries(known) };
  });
}

function groupOf(groups: Map<string, { readonly key: string; readonly indexes: number[] }>, key: string) {
  const known = groups.get(key) ?? { key, indexes: [] };
  groups.set(key, known);
  return known.indexes;
}

/** The ids at one place of the list. What each of them is, `placeOf` checks. */
function requireIds({ views }: Service, ids: unknown, where: string): Ids {
  if (typeof ids === 'object' && ids !== null && !Array.isArray(ids)) return ids as Ids;
  const parts = new Set(Object.values(views).flatMap(({ entity }) => entity.parts));
  const names = [...parts].map((part) => `"${part}": …`).join(', ');
  throw new MisuseError(
    `${where} is not an object with an id for each entity, as ${names === '' ? '{}' : `{ ${names} }`}; got ${display(ids)}.`,
  );
}

async function requestOf({ name, request: schema }: Service, request: unknown): Promise<unknown> {
  if (schema === undefined) return undefined;
  return checkData(schema, request, { of: 'the request', owner: `service "${name}"` });
}
