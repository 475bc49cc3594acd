/** The actions of `holdfast features` on the values of exported rows: `profile`, `drift`. */
import type { View } from '@holdfast/features';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { named, quoted, withDuckDb } from './duckdb.js';
import { answer, type Call, OF_EVERY_ACTION, onStore, PLACE, VIEW_OPERAND, viewOf } from './opened.js';
import { DIR, SAMPLE, SINCE, TURN, UNTIL } from './options.js';

export const profile: Command = {
  ...OF_EVERY_ACTION,
  name: 'profile',
  summary: 'Show how the values of a view are spread.',
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
  summary: 'Show how far the values of a view have moved.',
  operands: [VIEW_OPERAND],
  about: `Compares exported rows from --from on with those before: "psi" is the
population stability index, below 0.1 usually called stable and above 0.25 a
change; "ks" is the statistic of the Kolmogorov-Smirnov test, with its p.`,
  options: [...PLACE, DIR, TURN, UNTIL, SAMPLE, JSON_OUTPUT],
  example: 'holdfast features drift profile --dir ./exported --from 7d --store shop',
  run: onStore(async (call) => {
    const { kolmogorovSmirnov, populationStability } = await import('@holdfast/features/offline');
    const now = call.context.clock.wall() / 1_000;
    const from = call.args.time(TURN, now);
    const spans = [
      { from: undefined, to: from },
      { from, to: call.args.time(UNTIL, now) },
    ];
    const found = (await samplesOf(call, spans)).map(({ feature, samples: [before = [], after = []] }) => {
      if (!hasNumbers(before) || !hasNumbers(after)) return { feature, psi: null, ks: null, p: null };
      const { statistic, p } = kolmogorovSmirnov(before, after);
      return { feature, psi: populationStability(before, after), ks: statistic, p };
    });
    const rows = found.map(({ feature, psi, ks, p }) => [
      feature,
      ...[psi, ks, p].map((number) => (number === null ? '' : shortened(number))),
    ]);
    return answer(call, found, renderTable([['feature', 'psi', 'ks', 'p'], ...rows]));
  }),
};

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

const shortened = (number: number): string => String(Number(number.toPrecision(4)));
