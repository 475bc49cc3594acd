/**
 * Definitions as they are written down beside the rows, so that a process without the program can decode them.
 *
 * Guarantees: the text of a definition is canonical: the order in which a program names fields does not matter, and
 * equal definitions have equal texts and digests. A text that a newer version wrote is refused, not guessed at.
 */
import { createHash } from 'node:crypto';
import { display, MisuseError } from '@holdfast/kernel';
import type { Aggregate, WindowPlan } from './aggregates.js';
import type { Service } from './service.js';
import type { Kind, Shape } from './types.js';
import type { View, ViewKind } from './view.js';
import type { WindowsView } from './windows.js';

/** A field of a schema: what is needed to decode it. */
export interface StoredField extends Shape {
  readonly name: string;
}

/** A field as it is declared. */
interface DeclaredField extends StoredField {
  readonly optional: boolean;
  readonly aggregate?: Aggregate;
}

/** The fields of a row, by the number in its header. */
export interface RowSchema {
  /** 1 to 65535. */
  readonly number: number;
  /** With which the checksums of rows begin: 32 bits of the digest of the fields. */
  readonly seed: number;
  /** By name, in the order of UTF-16 code units. */
  readonly fields: readonly StoredField[];
}

/** What determines the bytes of a ring. */
export interface RingShape {
  readonly tile: number;
  readonly tiles: number;
  readonly plan: WindowPlan;
}

/** A view, written down. */
export interface StoredView {
  readonly format: 1;
  readonly kind: ViewKind;
  readonly name: string;
  readonly entity: { readonly name: string; readonly parts: readonly string[] };
  readonly version: number;
  readonly ttl: number | null;
  readonly strict: boolean;
  readonly history: boolean;
  /** In ms; left out where the log keeps what no exporter has. */
  readonly keep?: number;
  readonly owner: string | null;
  readonly description: string | null;
  readonly fields: readonly DeclaredField[];
  readonly ring: (RingShape & { readonly lateness: number; readonly ahead: number }) | null;
  /** Every schema that rows may have, oldest first; the last one is written. */
  readonly schemas: readonly RowSchema[];
}

/** A service, written down. */
export interface StoredService {
  readonly format: 1;
  readonly name: string;
  readonly version: number;
  /** The name of each view by the name that its features begin with. */
  readonly views: Readonly<Record<string, string>>;
  readonly takesRequest: boolean;
  readonly derives: boolean;
}

/** A view as it is written down first. */
export function describe(view: View): StoredView {
  const fields = sorted(Object.entries(view.fields)).map(([name, type]): DeclaredField => {
    const { kind, size, isOptional, aggregate } = type as typeof type & { readonly aggregate?: Aggregate };
    return {
      name,
      kind,
      ...(size !== undefined && { size }),
      optional: isOptional,
      ...(aggregate && { aggregate }),
    };
  });
  return {
    format: 1,
    kind: view.kind,
    name: view.name,
    entity: { name: view.entity.name, parts: view.entity.parts },
    version: view.version,
    ttl: view.ttl ?? null,
    strict: view.strict,
    history: view.history,
    ...(view.keep !== undefined && { keep: view.keep }),
    owner: view.owner ?? null,
    description: view.description ?? null,
    fields,
    ring: isWindows(view) ? ringOf(view) : null,
    schemas: [schemaOf(1, fields)],
  };
}

/** A service as it is written down. */
export function describeService(service: Service): StoredService {
  const views = sorted(Object.entries(service.views)).map(([alias, { name }]) => [alias, name] as const);
  return {
    format: 1,
    name: service.name,
    version: service.version,
    views: Object.fromEntries(views),
    takesRequest: service.request !== undefined,
    derives: service.derive !== undefined,
  };
}

/** A schema of these fields. */
export function schemaOf(number: number, fields: readonly StoredField[]): RowSchema {
  const plain = fields.map(({ name, kind, size }) => ({ name, kind, ...(size !== undefined && { size }) }));
  const seed = createHash('sha256').update(JSON.stringify(plain)).digest().readUInt32LE(0);
  return { number, seed, fields: plain };
}

/** The text of a definition, and its digest: 32 hexadecimal digits. */
export function writeDown(stored: StoredView | StoredService): {
  readonly text: string;
  readonly digest: string;
} {
  const text = JSON.stringify(stored);
  return { text, digest: createHash('sha256').update(text).digest('hex').slice(0, 32) };
}

const KINDS: readonly Kind[] = ['int', 'float64', 'float32', 'bool', 'string', 'timestamp', 'vector', 'list'];

/** A view that was written down. Throws MisuseError for a text that this version cannot read. */
export function readView(text: string): StoredView {
  const stored = parsed(text) as Partial<StoredView> | undefined;
  const schemas = (stored?.format === 1 && stored.schemas) || [];
  const known = schemas.every(({ fields }) => fields.every(({ kind }) => KINDS.includes(kind)));
  if (schemas.length > 0 && known) return stored as StoredView;
  throw new MisuseError(
    `The store has a definition of a view that this version of @holdfast/features cannot read; update it. It begins ${display(text)}.`,
  );
}

/** A service that was written down. Throws MisuseError for a text that this version cannot read. */
export function readService(text: string): StoredService {
  const stored = parsed(text) as Partial<StoredService> | undefined;
  if (stored?.format === 1 && typeof Object(stored).views === 'object') return stored as StoredService;
  throw new MisuseError(
    `The store has a definition of a service that this version of @holdfast/features cannot read; update it. It begins ${display(text)}.`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isWindows = (view: View): view is WindowsView => view.kind === 'windows';

const ringOf = ({ tile, tiles, plan, lateness, ahead }: WindowsView): StoredView['ring'] => ({
  tile,
  tiles,
  plan,
  lateness,
  ahead,
});

const sorted = <T>(entries: [string, T][]): [string, T][] =>
  entries.sort(([one], [other]) => (one < other ? -1 : 1));
