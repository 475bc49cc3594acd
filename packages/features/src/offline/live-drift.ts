/**
 * Drift of what is served: the distribution of the rows that a view serves now, compared with a baseline in Redis. It needs no
 * files: a baseline is taken of the rows that are served when a model is trained, or of the values of a training set.
 *
 * Guarantees: rows are read as `store.rows` reads them, so that what is served is compared: one that has expired is null. It
 * looks at a sample, which the order of Redis's own table of keys draws: that depends on ids, not on values. Nothing waits
 * meanwhile: keys are looked through in steps, and no more than 500 on a server. A baseline is no part of what training and serving
 * stand on: where Redis loses it, nothing but drift is unknown.
 */
import {
  type Clock,
  display,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { readId } from '../definition/entity.js';
import { isFlags } from '../definition/flags.js';
import type { View } from '../definition/view.js';
import type { Features } from '../features.js';
import { printGeneration } from '../generation/info.js';
import { rowKeys } from '../store/scan.js';
import {
  baselineOf,
  driftOfFeature,
  type FeatureBaseline,
  type FeatureDrift,
  type Sample,
} from './baseline.js';
import { partsOf } from './parts.js';

export interface BaselineOptions {
  readonly store: Features;
  readonly view: View;
  /** Its values by feature, as a training set has them: numbers, and null. Default: those of rows that are served now. */
  readonly values?: Readonly<Record<string, readonly (number | null)[]>>;
  /** How many rows are looked at, at most, 1 to 100000. Default 10000. */
  readonly sample?: number;
}

export interface DriftOptions {
  readonly store: Features;
  readonly view: View;
  /** How many rows are looked at, at most, 1 to 100000. Default 5000. */
  readonly sample?: number;
}

/** What was kept of a view. */
export interface Baseline {
  /** When. */
  readonly at: Date;
  /** By feature. */
  readonly features: Readonly<Record<string, FeatureBaseline>>;
}

export interface Drift {
  /** When the baseline was taken; undefined if there is none. */
  readonly since: Date | undefined;
  /** How many rows were looked at. */
  readonly rows: number;
  /** Of each feature of the view, in the order of its definition. */
  readonly features: readonly FeatureDrift[];
}

const SAMPLE = withDefault(whole(1, 100_000), 5_000);
const DRIFT = {
  store: passedOn<Features>(),
  view: passedOn<View>(),
  sample: SAMPLE,
} satisfies Readers<DriftOptions>;
const BASELINE = {
  ...DRIFT,
  values: optional(passedOn<NonNullable<BaselineOptions['values']>>()),
  sample: withDefault(whole(1, 100_000), 10_000),
} satisfies Readers<BaselineOptions>;

const VERSION = 1;
/** A step looks at a thousand keys. */
const STEPS = 500;
/** How many rows are read at once. */
const AT_ONCE = 500;

/**
 * Takes a baseline of a view, in place of the earlier one, for `driftOf` to compare with: call it when a model is trained.
 * Throws MisuseError where there are no rows, for a view of flags and one that was not applied; UnavailableError.
 */
export async function keepBaseline(options: BaselineOptions): Promise<Baseline> {
  const { store, view, values, sample } = readOptions('keepBaseline()', options, BASELINE);
  const { catalog, clock } = partsOf(store);
  const samples = values === undefined ? await served(store, view, sample) : given(view, values);
  const taken: Record<string, FeatureBaseline> = {};
  for (const [name, each] of samples) {
    taken[name] = baselineOf(each);
    await untilOthersHadTheirTurn(clock);
  }
  if (!Object.values(taken).some(({ count }) => count > 0))
    throw new MisuseError(`The view "${view.name}" serves no rows to take a baseline of; land some first.`);
  const at = Math.round(clock.wall() / 1_000);
  await catalog.keepBaseline(view.name, JSON.stringify({ version: VERSION, at, features: taken }));
  return { at: new Date(at), features: taken };
}

/** Forgets what was kept. Throws UnavailableError. */
export async function dropBaseline({ store, view }: Pick<BaselineOptions, 'store' | 'view'>): Promise<void> {
  await partsOf(store).catalog.keepBaseline(view.name, undefined);
}

/**
 * How far the rows that are served are from the baseline of their view. Without a baseline it says how many nulls there are and what
 * the mean is. Throws MisuseError for a view of flags, and one that was not applied; UnavailableError.
 */
export async function driftOf(options: DriftOptions): Promise<Drift> {
  const { store, view, sample } = readOptions('driftOf()', options, DRIFT);
  const { clock } = partsOf(store);
  const [baseline, samples] = await Promise.all([
    readBaseline(store, view.name),
    served(store, view, sample),
  ]);
  const features: FeatureDrift[] = [];
  for (const [name, each] of samples) {
    features.push(driftOfFeature(name, baseline?.features[name], each));
    await untilOthersHadTheirTurn(clock);
  }
  return { since: baseline?.at, rows: features[0]?.now.count ?? 0, features };
}

/** A view may have hundreds of features, of which each takes a part of a millisecond. */
const untilOthersHadTheirTurn = (clock: Clock): Promise<void> =>
  new Promise((resolve) => clock.afterInput(() => resolve()));

async function readBaseline(store: Features, view: string): Promise<Baseline | undefined> {
  const kept = await partsOf(store).catalog.baseline(view);
  if (kept === undefined) return undefined;
  const { version, at, features } = parsed(kept);
  if (version !== VERSION)
    throw new MisuseError(
      `The baseline of the view "${view}" is of version ${display(version)}, which this one does not know. Update @holdfast/features here, or take another baseline.`,
    );
  return { at: new Date(at), features };
}

function parsed(text: string): {
  readonly version?: unknown;
  readonly at: number;
  readonly features: Baseline['features'];
} {
  try {
    return Object(JSON.parse(text));
  } catch {
    return Object({}); // something else has written there
  }
}

type Samples = ReadonlyMap<string, Sample>;

/** The values of rows that are served, or of some of them. */
async function served(store: Features, view: View, most: number): Promise<Samples> {
  if (isFlags(view))
    throw new MisuseError(
      `"${view.name}" is a view of flags, of which no drift is known: bits have no rows. Count them where they are set.`,
    );
  const { catalog, partitions } = partsOf(store);
  const pointers = await catalog.pointers([view.name]);
  const live = pointers?.views.get(view.name)?.live;
  if (live === undefined)
    throw new MisuseError(`The view "${view.name}" was not applied; call store.apply() first.`);
  const names = Object.keys(view.fields);
  const samples = new Map<string, (number | null | 'present')[]>(names.map((name) => [name, []]));
  for await (const ids of someIds(rowKeys(partitions, printGeneration(view.name, live), STEPS), most)) {
    for (const { values, reason } of await store.rows(
      view,
      ids.map((id) => readId(view.entity, id)) as never[],
    )) {
      // It was deleted since.
      if (reason === 'missing') continue;
      for (const name of names) samples.get(name)?.push(shownAs(values[name]));
    }
  }
  return samples;
}

async function* someIds(found: ReturnType<typeof rowKeys>, most: number): AsyncGenerator<string[]> {
  const seen = new Set<string>();
  let some: string[] = [];
  for await (const { keys, beginning } of found) {
    for (const key of keys) {
      // A key may be found twice while Redis makes its table larger.
      if (seen.has(key)) continue;
      if (seen.size === most) break;
      seen.add(key);
      some.push(key.slice(beginning.length));
    }
    if (some.length >= AT_ONCE || seen.size === most) {
      yield some;
      some = [];
    }
    if (seen.size === most) return;
  }
  if (some.length > 0) yield some;
}

function shownAs(value: unknown): number | null | 'present' {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  return 'present';
}

function given(view: View, values: NonNullable<BaselineOptions['values']>): Samples {
  const unknown = Object.keys(values).find((name) => !(name in view.fields));
  if (unknown !== undefined)
    throw new MisuseError(
      `The view "${view.name}" has no feature ${display(unknown)}; leave it out of the values.`,
    );
  return new Map(Object.entries(values));
}
