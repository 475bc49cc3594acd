/** The actions of `holdfast features` on the distribution of values: `profile`, `drift`, `baseline`. */
import type { Features, View } from '@holdfast/features';
import type { Drift } from '@holdfast/features/offline';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, type Option } from '../../options.js';
import type { ServedStore, ServedView } from '../../served/features.js';
import { renderTable } from '../../table.js';
import { named, quoted, withDuckDb } from './duckdb.js';
import {
  answer,
  type Call,
  OF_EVERY_ACTION,
  onServedStore,
  onStore,
  PLACE,
  SERVED_PLACE,
  VIEW_OPERAND,
  viewOf,
} from './opened.js';
import { BASELINE_DIR, DIR, DRIFT_DIR, FORGET, SAMPLE, SINCE, TURN, UNTIL } from './options.js';

export const profile: Command = {
  ...OF_EVERY_ACTION,
  name: 'profile',
  summary: 'Show the distribution of the values of a view.',
  operands: [VIEW_OPERAND],
  about: `Of exported rows, or a sample of them, for each feature that is a number or a
bool.`,
  options: [...PLACE, DIR, SINCE, UNTIL, SAMPLE, JSON_OUTPUT],
  example: 'holdfast features profile profile --dir ./exported --store shop',
  run: onStore(async (call) => {
    const { profileOf } = await import('@holdfast/features/offline');
    const now = call.context.clock.wall() / 1_000;
    const span = { from: call.args.time(SINCE, now), to: call.args.time(UNTIL, now) };
    const found = await samplesOf(call, [span]);
    const profiles = found.map(({ feature, samples: [values = []] }) => ({
      feature,
      ...(hasNumbers(values) ? profileOf(values) : { count: values.length, nulls: values.length }),
    }));
    const rows = profiles.map((each) => [
      ...[each.feature, String(each.count), String(each.nulls)],
      ...('mean' in each
        ? [each.distinct, each.mean, each.min, each.deciles[5] ?? 0, each.max].map((number) =>
            shortened(number),
          )
        : []),
    ]);
    const heading = ['feature', 'rows', 'nulls', 'distinct', 'mean', 'least', 'median', 'greatest'];
    return answer(call, profiles, renderTable([heading, ...rows]));
  }),
};

export const drift: Command = {
  ...OF_EVERY_ACTION,
  name: 'drift',
  summary: 'Show the drift of a view.',
  operands: [VIEW_OPERAND],
  about: `Compares the rows that are served with the baseline that "baseline" has kept;
with --dir, exported rows from --from on with those before. "psi" is the
population stability index, below 0.1 usually called stable and above 0.25 a
change, "nulls" that of being null; "ks" is the statistic of the
Kolmogorov-Smirnov test, with its p. Of fewer than 200 rows nothing is said.`,
  options: [
    ...SERVED_PLACE,
    ...[DRIFT_DIR, TURN, UNTIL, SAMPLE].map((option): Option => ({ ...option, direct: 'detail' })),
    JSON_OUTPUT,
  ],
  example: 'holdfast features drift profile --store shop',
  run: (args, ...rest) =>
    (args.text(DRIFT_DIR) === undefined ? onServedStore(ofServed) : onStore(ofExported))(args, ...rest),
};

/** The drift of exported rows from earlier ones. */
async function ofExported(call: Call): Promise<number> {
  const { kolmogorovSmirnov, populationStability } = await import('@holdfast/features/offline');
  const now = call.context.clock.wall() / 1_000;
  const from = call.args.time(TURN, now);
  if (from === undefined) throw call.args.wrong('--from is missing: it divides exported rows into two times');
  const spans = [
    { from: undefined, to: from },
    { from, to: call.args.time(UNTIL, now) },
  ];
  const found = (await samplesOf(call, spans)).map(({ feature, samples: [before = [], after = []] }) => {
    if (!hasNumbers(before) || !hasNumbers(after)) return { feature, psi: null, ks: null, p: null };
    const { statistic, p } = kolmogorovSmirnov(before, after);
    return { feature, psi: populationStability(before, after), ks: statistic, p };
  });
  const rows = found.map(({ feature, psi, ks, p }) => [feature, ...[psi, ks, p].map(shownNumber)]);
  return answer(call, found, renderTable([['feature', 'psi', 'ks', 'p'], ...rows]));
}

/** The drift of the rows that are served from the baseline. */
async function ofServed(call: Call<ServedStore>): Promise<number> {
  const view = viewOf(call);
  for (const option of [TURN, UNTIL])
    if (call.args.text(option) !== undefined)
      throw call.args.wrong(`--${option.name} is of exported rows: it goes with --dir`);
  const found = await (call.store.drift?.(view) ?? driftInRedis(call, view));
  const rows = found.features.map(({ feature, verdict, psi, nullPsi, before, now }) => [
    ...[feature, verdict, ...[psi, nullPsi, before?.mean ?? null, now.mean].map(shownNumber)],
    ...[before === undefined ? '' : String(before.nulls), String(now.nulls)],
  ]);
  const heading = ['feature', 'verdict', 'psi', 'nulls', 'mean before', 'mean', 'null before', 'null'];
  const about =
    found.since === undefined
      ? `${found.rows} rows were read. There is no baseline: "holdfast features baseline ${view.name}" takes one.`
      : `${found.rows} rows were read; the baseline is of ${found.since.toISOString()}.`;
  return answer(call, found, `${renderTable([heading, ...rows])}\n${about}`);
}

async function driftInRedis(call: Call<ServedStore>, view: ServedView): Promise<Drift> {
  const { driftOf } = await import('@holdfast/features/offline');
  return driftOf({ store: call.store as Features, view: view as View, ...servedSample(call) });
}

export const baseline: Command = {
  ...OF_EVERY_ACTION,
  name: 'baseline',
  summary: 'Take a baseline, to measure drift against.',
  operands: [VIEW_OPERAND],
  about: `Stores the distribution of the rows of a view, in place of the earlier baseline:
of those that are served now, or of exported ones. Take one when a model is
trained: "drift" and the dashboard compare the rows that are served with it.
Deciles and counts are stored, no rows. It changes nothing that is served.`,
  options: [...PLACE, BASELINE_DIR, SINCE, UNTIL, SAMPLE, FORGET, JSON_OUTPUT],
  example: 'holdfast features baseline profile --store shop',
  run: onStore(async (call) => {
    const view = viewOf(call);
    const { dropBaseline, keepBaseline } = await import('@holdfast/features/offline');
    const of = { store: call.store, view };
    if (call.args.has(FORGET)) {
      await dropBaseline(of);
      return answer(call, { forgotten: view.name }, `The baseline of ${view.name} is forgotten.`);
    }
    const now = call.context.clock.wall() / 1_000;
    const span = { from: call.args.time(SINCE, now), to: call.args.time(UNTIL, now) };
    const isExported = call.args.text(BASELINE_DIR) !== undefined;
    if (!isExported && (span.from ?? span.to) !== undefined)
      throw call.args.wrong('--from and --to are of exported rows: they go with --dir');
    const given = isExported
      ? { values: Object.fromEntries((await samplesOf(call, [span])).map(valuesOf)) }
      : servedSample(call);
    const { at, features } = await keepBaseline({ ...of, ...given });
    const rows = Object.entries(features).map(([feature, { count, nulls, mean }]) => [
      ...[feature, String(count), String(nulls), shownNumber(mean)],
    ]);
    return answer(call, { at, features }, renderTable([['feature', 'rows', 'nulls', 'mean'], ...rows]));
  }),
};

/** Redis is asked for each row that is served, so that fewer of them are looked at. */
function servedSample({ args }: Pick<Call, 'args'>): { readonly sample?: number } {
  const sample = args.count(SAMPLE, 1, 100_000);
  return sample === undefined ? {} : { sample };
}

const valuesOf = ({ feature, samples: [values = []] }: Samples) => [feature, values] as const;

interface Span {
  /** In ms since the epoch. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

interface Samples {
  readonly feature: string;
  /** Of each span. */
  readonly samples: readonly (readonly (number | null)[])[];
}

const NUMBERS: readonly string[] = ['int', 'float64', 'float32', 'bool'];

/** The values of each feature that is a number, in each span of event times. */
async function samplesOf(call: Call, spans: readonly Span[]): Promise<readonly Samples[]> {
  const view = viewOf(call);
  const { exportedRows } = await import('@holdfast/features/offline');
  if (view.kind === 'windows')
    throw call.args.wrong(
      `exported files have what was added to the windows of "${view.name}", not their values; without --dir, those that are served are looked at`,
    );
  const { files } = await exportedRows(call.args.text(DIR) ?? '', view.name);
  const features = numbersOf(view);
  if (files.length === 0 || features.length === 0) {
    const what =
      files.length === 0 ? 'there are no exported rows of it' : 'it has no feature that is a number';
    throw call.args.wrong(`nothing can be said of the view "${view.name}": ${what}`);
  }
  const most = call.args.count(SAMPLE, 1, 10_000_000) ?? 100_000;
  const all = `read_parquet([${files.map(quoted).join(', ')}], union_by_name = true, hive_partitioning = false)`;
  return withDuckDb(call.args, async (duckdb) => {
    const read = async ({ from, to }: Span): Promise<readonly Record<string, unknown>[]> => {
      const where = [
        ...(from === undefined ? [] : [`"@time" >= ${from * 1_000}`]),
        ...(to === undefined ? [] : [`"@time" < ${to * 1_000}`]),
      ];
      const columns = features.map((name) => `CAST(${named(name)} AS DOUBLE) AS ${named(name)}`).join(', ');
      const rows = `SELECT ${columns} FROM ${all} ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}`;
      // The sample is the same each time.
      const sample = `SELECT * FROM (${rows}) USING SAMPLE reservoir(${most} ROWS) REPEATABLE (1)`;
      return (await duckdb.runAndReadAll(sample)).getRowObjectsJS();
    };
    const found: (readonly Record<string, unknown>[])[] = [];
    for (const span of spans) found.push(await read(span));
    return features.map((feature) => ({
      feature,
      samples: found.map((rows) => rows.map((row) => (row[feature] ?? null) as number | null)),
    }));
  });
}

const numbersOf = ({ fields }: View): readonly string[] =>
  Object.entries(fields).flatMap(([name, { kind }]) => (NUMBERS.includes(kind) ? [name] : []));

const hasNumbers = (values: readonly (number | null)[]): boolean => values.some((value) => value !== null);

const shownNumber = (number: number | null): string => (number === null ? '' : shortened(number));

const shortened = (number: number): string => String(Number(number.toPrecision(4)));
