/** The actions of `holdfast features` on what was served: `train` makes a training set, `audit` compares logged answers with one. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Service } from '@holdfast/features';
import type { AuditReport, Join, LoggedRead, TrainingReport } from '@holdfast/features/offline';
import { display, messageOf } from '@holdfast/kernel';
import { type Arguments, given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { withDuckDb } from './duckdb.js';
import { answer, OF_EVERY_ACTION, onStore, PLACE, SERVICE_OPERAND, serviceOf } from './opened.js';
import { ERASED_DIR, JOIN, LABEL_TIME, LABELS, MOST_TOLD, OUT, PLACES, READS } from './options.js';

const JOINS: readonly string[] = ['as-served', 'event-time', 'known-at'] satisfies Join[];

export const train: Command = {
  ...OF_EVERY_ACTION,
  name: 'train',
  summary: 'Make a training set: labels with their features.',
  operands: [SERVICE_OPERAND],
  about: `A Parquet file with each label, and what the service served at its time. Needs
@duckdb/node-api, and --app for a service that derives or takes a request.`,
  options: [...PLACE, LABELS, LABEL_TIME, OUT, ERASED_DIR, JOIN, PLACES, JSON_OUTPUT],
  example: 'holdfast features train ranking --labels l.parquet --out t.parquet',
  run: onStore(async (call) => {
    const { args, store } = call;
    const service = serviceOf(call);
    const join = args.text(JOIN);
    if (join !== undefined && !JOINS.includes(join))
      throw args.wrong(`--join is ${JOINS.join(', ')}; got ${display(join)}`);
    const labels = (args.text(LABELS) ?? '').split(',').filter((file) => file !== '');
    if (labels.length === 0) throw args.wrong('--labels names at least one Parquet file');
    const { trainingSet } = await import('@holdfast/features/offline');
    const options = given({ dir: args.text(ERASED_DIR), join: join as Join | undefined });
    const report = await withDuckDb(args, (duckdb) =>
      trainingSet({
        ...{ duckdb: duckdb as never, store, service, labels, ...options },
        ...{ at: args.text(LABEL_TIME) ?? 'at', out: args.text(OUT) ?? '', places: args.has(PLACES) },
      }),
    );
    return answer(call, report, wordsOf(report));
  }),
};

function wordsOf({ labels, without, uncertain, lost, otherTypes }: TrainingReport): string {
  const table = renderTable([
    ['view', 'without a row', 'uncertain'],
    ...Object.keys(without).map((view) => [view, String(without[view]), String(uncertain[view])]),
  ]);
  const notes = [
    ...(lost > 0
      ? [`${lost} parts of the log were trimmed before they were exported: rows are missing.`]
      : []),
    ...otherTypes.map((each) => `${each} has another type, and is null.`),
  ];
  return [`${labels} labels`, '', table, ...notes].join('\n');
}

export const audit: Command = {
  ...OF_EVERY_ACTION,
  name: 'audit',
  summary: 'Compare logged answers with a training set.',
  operands: [SERVICE_OPERAND],
  about: `Of each line of --reads, every feature is compared with what a training set has
for its place; each that differs is a defect, or its rows are lost.`,
  exitCodes: [
    ['0', 'all are equal, but for those about entities that were erased since'],
    ['1', 'some differ'],
    ...OF_EVERY_ACTION.exitCodes.slice(1),
  ],
  options: [...PLACE, READS, ERASED_DIR, MOST_TOLD, JSON_OUTPUT],
  example: 'holdfast features audit ranking --reads reads.jsonl --store shop',
  run: onStore(async (call) => {
    const { args, store } = call;
    const service: Service = serviceOf(call);
    const { audit: compare } = await import('@holdfast/features/offline');
    const options = given({ dir: args.text(ERASED_DIR), most: args.count(MOST_TOLD, 1, 10_000) });
    const report = await withDuckDb(args, (duckdb) =>
      compare({ duckdb: duckdb as never, store, service, reads: readsIn(args), ...options }),
    );
    answer(call, report, differencesOf(report));
    return report.different === 0 ? EXIT.ok : EXIT.findings;
  }),
};

function differencesOf({ reads, equal, erased, different, differences }: AuditReport): string {
  const counts = `${reads} reads: ${equal} equal, ${erased} about what was erased, ${different} different`;
  if (differences.length === 0) return counts;
  const rows = differences.map((each) => [
    ...[String(each.read), JSON.stringify(each.ids), each.feature],
    ...[JSON.stringify(each.answered ?? null), JSON.stringify(each.trained ?? null)],
  ]);
  return `${counts}\n\n${renderTable([['read', 'ids', 'feature', 'answered', 'trained'], ...rows])}`;
}

async function* readsIn(args: Arguments): AsyncIterable<LoggedRead> {
  const path = args.text(READS) ?? '';
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const line of lines) {
      number += 1;
      if (line.trim() !== '') yield JSON.parse(line) as LoggedRead;
    }
  } catch (error) {
    throw args.wrong(`--reads: ${display(masked(path))}, line ${number}: ${messageOf(error)}`);
  }
}
