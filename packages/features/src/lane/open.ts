/**
 * Opening a lane of a view: its rank is registered, and the holder becomes its owner in all partitions.
 *
 * Guarantees: an option that cannot work is a MisuseError that names it. Rows are written by the schema that is registered
 * for the fields that the program declares; where none is, nothing is opened, because nobody could read them.
 */
import {
  type Clock,
  callback,
  duration,
  flag,
  having,
  MisuseError,
  optional,
  passedOn,
  type Random,
  type Readers,
  readOptions,
  requireClaim,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { describe, type RowSchema, type StoredView, schemaOf } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import type { WindowsView } from '../definition/windows.js';
import type { RowError } from '../errors.js';
import { awaitedOf } from '../generation/awaited.js';
import type { Generation } from '../generation/generation.js';
import { reliefOf } from '../generation/relief.js';
import { readName } from '../options.js';
import type { Catalog } from '../store/catalog.js';
import { Definitions, notApplied } from '../store/definitions.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import type { LandVerb } from './bucket.js';
import { type EncodeRow, Lane } from './lane.js';
import { type LaneHolder, Ownership, renewalOf } from './ownership.js';
import { WindowsLane } from './windows-lane.js';

export interface LaneOpenOptions {
  /** The holder of the right to write: a lease, a task, or anything else with a token. Not for a lane that is shared. */
  readonly holder?: LaneHolder;
  /**
   * Whether several processes write the lane, each following some partitions of its source under holders of their own, which
   * `hold` of `follow` gives. Whoever opens the lane under a holder deposes them all. Default false.
   */
  readonly shared?: boolean;
  /** The name of the lane: 1 to 64 letters, digits, "_" and "-". Default "batch". */
  readonly lane?: string;
  /**
   * Which lane wins where event times are equal, 1 to 255: the one of the higher rank. Each lane of a view has another.
   * Default: 30 for "stream", 20 for "batch", 10 for "backfill"; other lanes name theirs.
   */
  readonly rank?: number;
  /**
   * Renews the right of the holder at its issuer, and rejects if it has ended: asked where the server may have forgotten
   * who owns the lane. Default: `holder.extend()`, if the holder has that, as a lease does.
   */
  readonly renew?: () => Promise<unknown>;
  /** The generation that is written. Default: the one that is read. */
  readonly generation?: Generation;
  /** Whether the lane is taken over from a holder whose tokens are of another issuer. Default false. */
  readonly takeOver?: boolean;
}

export interface RowLaneOpenOptions extends LaneOpenOptions {
  /**
   * For how long rows that are landed without a source are sent again while Redis does not answer, in ms. Default 10000. A lane
   * that follows a source goes on trying.
   */
  readonly patience?: number;
}

const RANKS: Readonly<Record<string, number>> = { stream: 30, batch: 20, backfill: 10 };

const LANE = {
  holder: passedOn<LaneHolder | undefined>(),
  shared: withDefault(flag, false),
  lane: withDefault(readName, 'batch'),
  rank: optional(whole(1, 255)),
  renew: optional(callback<() => Promise<unknown>>('nothing')),
  generation: optional(having<Generation>()),
  takeOver: withDefault(flag, false),
} satisfies Readers<LaneOpenOptions>;

const ROW_LANE = {
  ...LANE,
  patience: withDefault(duration(), 10_000),
} satisfies Readers<RowLaneOpenOptions>;

/** What a lane is opened on. */
export interface LanePlace<V extends View = View> {
  readonly view: V;
  /** What is registered for the view. */
  readonly stored: StoredView;
  /** The generation that is read: "<n>-<token>". */
  readonly live: string;
  readonly catalog: Catalog;
  readonly partitions: readonly Partition[];
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** How rows are made, and what is wrong with one whose event time the server refused. */
interface RowMaking<Row> {
  readonly verb: LandVerb;
  /** In ms. */
  readonly ahead: number;
  readonly encoder: (schema: RowSchema) => EncodeRow<Row>;
  readonly badTime: (row: Row) => RowError;
}

/** Throws MisuseError, StaleTokenError, IssuerMismatchError, UnavailableError. */
export async function openLane<Row>(
  place: LanePlace,
  { verb, ahead, encoder, badTime }: RowMaking<Row>,
  options: RowLaneOpenOptions,
): Promise<Lane<Row>> {
  const { view, stored, partitions, clock, random, telemetry } = place;
  const { patience, ...read } = readOptions(`A lane of the view "${view.name}"`, options, ROW_LANE);
  const encode = encoder(schemaFor(view, stored));
  const owned = await own(place, read);
  return new Lane({
    ...{ ...owned, partitions, patience, clock, random, telemetry, verb, encode, badTime },
    ...{ view: view.name, ahead: ahead * 1_000, history: stored.history, parts: view.entity.parts },
  });
}

/** Throws MisuseError, StaleTokenError, IssuerMismatchError, UnavailableError. */
export async function openWindowsLane(
  place: LanePlace<WindowsView>,
  options: LaneOpenOptions,
): Promise<WindowsLane> {
  const { view, stored, partitions, clock, random, telemetry } = place;
  const read = readOptions(`A lane of the view "${view.name}"`, options, LANE);
  if (JSON.stringify(stored.ring) !== JSON.stringify(describe(view).ring)) throw notAsApplied(view);
  const { ownership, holder, generation, lane, isAwaited } = await own(place, read);
  return new WindowsLane({
    ...{ view, partitions, ownership, holder, generation, lane, clock, random, telemetry },
    ...{ history: stored.history, isAwaited },
  });
}

/** Makes the holder the owner of the lane. */
async function own(
  { view, stored, live, catalog, partitions, clock, telemetry }: LanePlace,
  read: Settings<typeof LANE>,
) {
  const { holder, lane, shared, takeOver } = read;
  if (!shared) requireClaim(holder);
  else if (holder !== undefined) {
    throw new MisuseError(
      `The lane "${lane}" is opened as shared, so it has no holder; each partition of its source has one, which "hold" of follow() gives.`,
    );
  }
  const rank = read.rank ?? RANKS[lane];
  if (rank === undefined) {
    throw new MisuseError(
      `The lane "${lane}" needs a rank, 1 to 255: where event times are equal, the lane of the higher rank wins. "stream" has 30, "batch" 20 and "backfill" 10.`,
    );
  }
  await catalog.enter(view.name, lane, rank);
  const generation = `${view.name}.${live}`;
  const renew = read.renew ?? (holder && renewalOf(holder));
  const relieve = reliefOf({ catalog, view: view.name, generation, clock });
  const ownership = new Ownership({
    ...{ partitions, generation, lane, source: '', holder, renew, takeOver, relieve, telemetry },
    requireDefinition: () => requireWrittenAlike(view, stored, { catalog, generation: live }),
  });
  await ownership.open();
  const isAwaited = awaitedOf({ catalog, view: view.name, generation });
  return { ownership, holder, generation, lane, rank, isAwaited };
}

/** The registered schema of the fields that the program declares. */
export function schemaFor(view: View, stored: StoredView): RowSchema {
  const found = schemaIn(view, stored);
  if (found) return found;
  throw notAsApplied(view);
}

function schemaIn(view: View, { schemas }: StoredView): RowSchema | undefined {
  const { seed } = schemaOf(0, describe(view).fields);
  return schemas.findLast((schema) => schema.seed === seed);
}

/**
 * What a program writes by the definition `stored` is still read so: another edition may have been applied to a server that had
 * forgotten everything, or none. Throws MisuseError, UnavailableError.
 */
export async function requireWrittenAlike(
  view: View,
  stored: StoredView,
  { catalog, generation }: { readonly catalog: Catalog; readonly generation: string },
): Promise<void> {
  const present = await new Definitions(catalog).present(view.name, generation);
  if (present === undefined) throw notApplied(view.name);
  const isAlike =
    schemaIn(view, stored)?.number === schemaIn(view, present)?.number &&
    JSON.stringify(stored.ring) === JSON.stringify(present.ring);
  if (!isAlike) throw notAsApplied(view);
}

const notAsApplied = ({ name }: View): MisuseError =>
  new MisuseError(
    `The view "${name}" is defined otherwise here than it was applied; call apply() before anything is written, as when the program is deployed.`,
  );
