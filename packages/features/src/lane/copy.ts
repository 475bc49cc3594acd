/**
 * Copying the rows of a lane from the generation that is read into another one, for lanes whose rows cannot be landed once more,
 * such as those that a program was sent. In each partition a lane of its own, with the rank of the other one, takes in the rows
 * that lie there and those that are accepted from then on.
 *
 * Guarantees: those of a lane that follows a source. A row that was copied has its event time and its rank, so it wins and loses
 * as the original does; of several with one event time, the one that was accepted last stays. A cut to the generation waits until
 * it has every row that was acknowledged (../generation/copied.ts). A row that `map` refuses is a dead letter, and the others
 * go on.
 */
import {
  type Clock,
  callback,
  having,
  MisuseError,
  optional,
  pause,
  type Random,
  type Readers,
} from '@holdfast/kernel';
import { type Entity, type Id, readId } from '../definition/entity.js';
import { describe, type StoredView } from '../definition/stored.js';
import type { Fields, Values } from '../definition/types.js';
import type { RowView } from '../definition/view.js';
import { type CopiedBytes, copiedRows, copyOf, notCopied } from '../generation/copied.js';
import type { Generation } from '../generation/generation.js';
import { printGeneration } from '../generation/info.js';
import { reliefOf } from '../generation/relief.js';
import { readName } from '../options.js';
import { RowReader } from '../row/decode.js';
import { readHeader } from '../row/header.js';
import type { SourceRecord } from '../source/source.js';
import type { Catalog } from '../store/catalog.js';
import type { Definitions } from '../store/definitions.js';
import type { Partition } from '../store/partition.js';
import { SharedScan } from '../store/shared-scan.js';
import type { Telemetry } from '../telemetry.js';
import type { Follower, StopOptions } from './follow.js';
import { Lane, type RowOutcome } from './lane.js';
import { requireWrittenAlike, schemaFor } from './open.js';
import { Ownership, renewalOf } from './ownership.js';
import { badTimeOf, encoderOf, type LaneRow } from './row.js';

/** A row of the generation that is read, as it was landed there. */
export interface CopiedRow<E extends Entity> {
  readonly id: Id<E>;
  /** The event time, in ms. */
  readonly time: number;
  /** By the definition of that generation. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface CopyOptions<E extends Entity, F extends Fields> {
  /** The generation that is filled, under the token of its holder. */
  readonly generation: Generation;
  /** The lane of the generation that is read whose rows are copied. */
  readonly lane: string;
  /**
   * Makes the values of a row, or none for one that is left out. Default: the values of the features that both definitions have
   * as the same type; those that are new are null, and have to be optional.
   */
  readonly map?: (row: CopiedRow<E>) => Values<F> | null | undefined;
}

export const COPY = {
  generation: having<Generation>('cut', 'abandon'),
  lane: readName,
  map: optional(callback<NonNullable<CopyOptions<Entity, Fields>['map']>>('a row, which returns its values')),
} satisfies Readers<CopyOptions<Entity, Fields>>;

/** How many rows were copied since it began, by outcome. */
export type CopyStats = Readonly<Record<RowOutcome, number>>;

export interface CopyParts {
  readonly view: RowView;
  readonly generation: Generation;
  readonly lane: string;
  readonly map: CopyOptions<Entity, Fields>['map'] | undefined;
  /** The id of the generation that is read, and its definition. */
  readonly live: string;
  readonly from: StoredView;
  /** The definition of the one that is filled. */
  readonly stored: StoredView;
  /** In ms. */
  readonly ahead: number;
  readonly catalog: Catalog;
  readonly definitions: Definitions;
  readonly partitions: readonly Partition[];
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

type AnyRow = LaneRow<Entity, Fields>;

const LOOK_EVERY = 100;

export class Copy implements AsyncDisposable {
  readonly #parts: CopyParts;
  readonly #lanes: readonly Lane<AnyRow>[];
  readonly #followers: readonly Follower[];
  readonly #ended: Promise<unknown>;
  #isClosing = false;

  private constructor(parts: CopyParts, lanes: readonly Lane<AnyRow>[], rank: number) {
    const { view, live: id, partitions, clock } = parts;
    this.#parts = parts;
    this.#lanes = lanes;
    const parse = parserOf(parts);
    const scan = new SharedScan(printGeneration(view.name, id), clock);
    const copied = { view: view.name, id, rank, scan, clock };
    this.#followers = lanes.map((lane, place) =>
      lane.follow(copiedRows(partitions[place] as Partition, copied), parse),
    );
    this.#ended = Promise.all(this.#followers.map((each) => each.done()));
    this.#ended.catch(() => {
      for (const lane of lanes) void lane.close({ signal: AbortSignal.abort() });
    });
  }

  /** Use store.copy(). */
  static async begin(parts: CopyParts): Promise<Copy> {
    const rank = await requireCopyable(parts);
    const opening = parts.partitions.map((partition) => openIn(partition, parts, rank));
    const opened = await Promise.allSettled(opening);
    const lanes = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failed = opened.find((each) => each.status === 'rejected');
    if (failed === undefined) return new Copy(parts, lanes, rank);
    await Promise.all(lanes.map((lane) => lane.close()));
    throw failed.reason;
  }

  /** Aborts when nothing more is copied: with the lane deposed, the generation ended, or the copy closed. */
  get signal(): AbortSignal {
    return (this.#lanes[0] as Lane<AnyRow>).signal;
  }

  /** Why a partition is not copied just now; undefined while all are. */
  get problem(): string | undefined {
    return this.#followers.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  stats(): CopyStats {
    const total: Record<RowOutcome, number> = { accepted: 0, older: 0, equal: 0, erased: 0, refused: 0 };
    for (const lane of this.#lanes) {
      const stats = lane.stats();
      for (const outcome of Object.keys(total) as RowOutcome[]) total[outcome] += stats[outcome];
    }
    return total;
  }

  /** Resolves when the copy was closed. Throws StaleTokenError, GenerationEndedError, MisuseError. */
  async done(): Promise<void> {
    try {
      await this.#ended;
    } catch (error) {
      if (!this.#isClosing) throw error;
    }
  }

  /** Resolves when all has been copied that was accepted before the call. Throws as `done`, UnavailableError, AbortedError once it is closed. */
  async caughtUp(): Promise<void> {
    const { partitions, view, live, clock, lane, generation } = this.#parts;
    const from = printGeneration(view.name, live);
    const survey = (of: string) => Promise.all(partitions.map((each) => each.call(each.verbs.survey, of)));
    const old = await survey(from);
    for (;;) {
      this.signal.throwIfAborted();
      const next = await survey(printGeneration(view.name, generation.id));
      if (notCopied(lane, from, { old, next }).length === 0) return;
      await Promise.race([this.#ended, pause(clock, LOOK_EVERY)]);
    }
  }

  /** Copies nothing more, and resolves when what was read has landed; `signal` gives that up. Never rejects. */
  async close(options: StopOptions = {}): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#lanes.map((lane) => lane.close(options)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function openIn(partition: Partition, parts: CopyParts, rank: number): Promise<Lane<AnyRow>> {
  const { view, stored, catalog, clock, random, telemetry, partitions, ahead } = parts;
  const { id, holder } = parts.generation;
  const generation = printGeneration(view.name, id);
  const lane = copyOf(parts.lane);
  const ownership = new Ownership({
    ...{ partitions: [partition], generation, lane, source: '', holder, renew: renewalOf(holder) },
    ...{ takeOver: false, relieve: reliefOf({ catalog, view: view.name, generation, clock }), telemetry },
    requireDefinition: () => requireWrittenAlike(view, stored, { catalog, generation: id }),
  });
  await ownership.open();
  const encode = encoderOf(view, schemaFor(view, stored), { stored, partitions: partitions.length });
  return new Lane<AnyRow>({
    ...{ partitions: [partition], ownership, holder, view: view.name, generation, lane, rank },
    ...{ ahead: ahead * 1_000, history: stored.history, parts: view.entity.parts, verb: 'land' },
    ...{ patience: 0, clock, random, telemetry, badTime: badTimeOf(view, ahead) },
    // A cut waits for that, and `caughtUp`.
    isAwaited: () => Promise.resolve(true),
    // The only partition that this lane has: all rows of an id stay where they are.
    encode: (row) => ({ ...encode(row), partition: 0 }),
  });
}

/** The rank of the lane. Throws MisuseError for what cannot be copied. */
async function requireCopyable({
  view,
  generation,
  lane,
  map,
  live,
  from,
  stored,
  catalog,
}: CopyParts): Promise<number> {
  if (generation.view !== view.name)
    throw new MisuseError(
      `copy() of the view "${view.name}" was given a generation of "${generation.view}".`,
    );
  if (generation.id === live) {
    throw new MisuseError(
      `The generation ${live} of the view "${view.name}" is the one that is read; copy its rows into another one.`,
    );
  }
  if (!from.history || from.entity.parts.join() !== view.entity.parts.join()) {
    const why = from.history
      ? 'is of another entity'
      : 'has `history: false`, so nothing says which rows come';
    throw new MisuseError(
      `The generation ${live} of the view "${view.name}" ${why}; its rows cannot be copied. Fill the new one by lanes.`,
    );
  }
  const known = new Map(from.fields.map((field) => [field.name, field]));
  const lacking = stored.fields.filter(({ name, kind, size, optional: isOptional }) => {
    const same = known.get(name);
    return !isOptional && (same?.kind !== kind || same.size !== size);
  });
  if (map === undefined && lacking.length > 0) {
    const names = lacking.map(({ name }) => name).join(', ');
    throw new MisuseError(
      `Rows of the generation ${live} of the view "${view.name}" say nothing of ${names}; give copy() a "map" that does.`,
    );
  }
  const ranks = await catalog.ranks(view.name);
  const rank = ranks.get(lane);
  if (rank !== undefined) return rank;
  throw new MisuseError(
    `The view "${view.name}" has no lane "${lane}" to copy; it has ${[...ranks.keys()].join(', ') || 'none'}.`,
  );
}

/** Makes rows of the new generation of the bytes of those of the old one. */
function parserOf({ view, map, live, stored, definitions, ...parts }: CopyParts) {
  let from = parts.from;
  const fields = (): StoredView['fields'] => (map === undefined ? describe(view).fields : from.fields);
  let reader = new RowReader(from.schemas, fields());
  const parse = ({ id: key, row }: CopiedBytes, isKnown: boolean): AnyRow | null | Promise<AnyRow | null> => {
    const values: Record<string, unknown> = {};
    const decoded = reader.read(row, values);
    if (decoded === 'unknown' && !isKnown) {
      return definitions.of(view.name, live).then((latest) => {
        from = latest;
        reader = new RowReader(from.schemas, fields());
        return parse({ id: key, row }, true);
      });
    }
    if (decoded !== 'whole') throw new Error(`the row is ${decoded}`);
    const id = readId(view.entity, key) as Id<Entity>;
    const time = readHeader(row).time / 1_000;
    const made = map === undefined ? values : map({ id, time, values });
    return made === null || made === undefined ? null : { id, time, values: made as Values<Fields> };
  };
  return (value: unknown, _: SourceRecord) => parse(value as CopiedBytes, false);
}
