/**
 * Reading what lies in Redis of one view, by what is registered for the view, into objects with the features that a program names.
 *
 * Guarantees: a row that is torn, or whose TTL has passed, writes nothing. A feature that the row does not have is null.
 */
import type { Aggregate } from '../definition/aggregates.js';
import { compare } from '../definition/change.js';
import { isFlags } from '../definition/flags.js';
import { describe, type RingShape, type StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { DefinitionMismatchError } from '../errors.js';
import { RowReader } from '../row/decode.js';
import { readRing } from '../window/ring.js';
import { windowValues } from '../window/values.js';

/** Why a row has no values. */
export type NullReason = 'missing' | 'expired' | 'torn';

/** Undefined for a row that is served; `unknown` for one of a schema that is not registered in what is known. */
export type Outcome = NullReason | 'unknown' | undefined;

type Values = Record<string, unknown>;

/** Reads what lies under one definition. `now` is in microseconds. */
type Read = (row: Buffer, now: number, values: Values) => Outcome;

export class ViewReader {
  readonly view: View;
  /** The features, as they are named in the values. */
  readonly names: readonly string[];
  readonly #prefix: string;
  /** By definition. There are several only while one takes the place of another. */
  readonly #reads = new WeakMap<StoredView, Read>();
  #latest: StoredView | undefined;
  #read: Read = () => 'unknown';

  /** In the values, `prefix` stands before the names of the features. */
  constructor(view: View, prefix = '') {
    this.view = view;
    this.#prefix = prefix;
    this.names = Object.keys(view.fields).map((name) => prefix + name);
  }

  /**
   * Writes the values at `now`, in microseconds, unless there is a reason why there are none. Throws DefinitionMismatchError if
   * `stored` means something else than the view.
   */
  read(stored: StoredView, row: Buffer, now: number, values: Values): Outcome {
    if (stored !== this.#latest) this.#use(stored);
    return this.#read(row, now, values);
  }

  #use(stored: StoredView): void {
    const read = this.#reads.get(stored) ?? this.#readerFor(stored);
    this.#reads.set(stored, read);
    this.#read = read;
    this.#latest = stored;
  }

  #readerFor(stored: StoredView): Read {
    this.#requireSame(stored);
    if (isFlags(this.view)) return this.#flagsReader();
    if (stored.ring !== null) return this.#ringReader(stored, stored.ring);
    const reader = new RowReader(stored.schemas, describe(this.view).fields, this.#prefix);
    const ttl = stored.ttl === null ? Number.POSITIVE_INFINITY : stored.ttl * 1_000;
    return (row, now, values) => {
      const decoded = reader.read(row, values, now - ttl);
      return decoded === 'whole' ? undefined : decoded;
    };
  }

  #flagsReader(): Read {
    return (row, _, values) => {
      for (const [place, name] of this.names.entries()) values[name] = row[place] === 1;
      return undefined;
    };
  }

  #ringReader({ fields }: StoredView, shape: RingShape): Read {
    const names: string[] = [];
    const aggregates: Aggregate[] = [];
    for (const { name, aggregate } of fields) {
      if (!aggregate || !Object.hasOwn(this.view.fields, name)) continue;
      names.push(this.#prefix + name);
      aggregates.push(aggregate);
    }
    return (row, now, values) => {
      const ring = readRing(row, shape);
      if (ring === null) return 'torn';
      const found = windowValues(ring, shape, aggregates, now);
      for (const [place, name] of names.entries()) values[name] = found[place] ?? null;
      return undefined;
    };
  }

  /** A program that takes features for something else is told so. */
  #requireSame(stored: StoredView): void {
    const { effect, differences } = compare(stored, describe(this.view));
    if (effect !== 'incompatible') return;
    const advice =
      'Its rows are not what this program takes them for; deploy the program with the registered definition.';
    throw new DefinitionMismatchError(`view "${this.view.name}"`, differences, advice);
  }
}
