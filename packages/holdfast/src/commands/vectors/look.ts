/** The actions of `holdfast vectors` that say what there is: `ls`, `stats`, `metrics`, `check`. */

import { formatDuration } from '@holdfast/kernel';
import type { IndexInfo } from '@holdfast/vectors';
import { type Arguments, given } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, LIMIT } from '../../options.js';
import { throughServer } from '../../served/server.js';
import { renderTable } from '../../table.js';
import { placeOf } from '../place.js';
import {
  answer,
  type Call,
  INDEX_OPERAND,
  infoOf,
  libraryOf,
  OF_EVERY_ACTION,
  onIndex,
  onServedIndex,
  PLACE,
  SERVED_PLACE,
  shapesIn,
} from './opened.js';
import { LEAST, QUERIES } from './options.js';

export const ls: Command = {
  ...OF_EVERY_ACTION,
  name: 'ls',
  summary: 'List all indexes, with their models.',
  operands: [],
  about: `Looks through all keys, in steps. "entries" are documents, and deletions that
are remembered; "written" is how long ago something was written.`,
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast vectors ls --redis redis://127.0.0.1:6379',
  async run(args, context) {
    const found = args.server === undefined ? await indexesIn(args) : await indexesThrough(args, context);
    const now = context.clock.wall() / 1_000;
    const table = found.map((info) => [
      ...[info.name, String(info.entries), info.model, shapesIn(info), String(info.generations)],
      formatDuration(Math.max(0, now - info.written.getTime())),
    ]);
    const heading = ['index', 'entries', 'model', 'vectors', 'generations', 'written'];
    return answer({ args, context }, found, renderTable([heading, ...table]));
  },
};

const indexesIn = async (args: Arguments): Promise<readonly IndexInfo[]> => {
  const { listIndexes } = await libraryOf(args);
  return listIndexes(placeOf(args));
};

const indexesThrough = (args: Arguments, context: Context): Promise<readonly IndexInfo[]> =>
  throughServer(args, context, async ({ vectors }) =>
    (await vectors.list()).indexes.map((info) => infoOf({ ...info })),
  );

export const stats: Command = {
  ...OF_EVERY_ACTION,
  name: 'stats',
  summary: 'Show one index, as a process has it.',
  operands: [INDEX_OPERAND],
  about: `Reads all documents, as each process that searches does. "bytes" is what
their vectors take there, without ids and attributes.`,
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast vectors stats kb --redis redis://127.0.0.1:6379',
  run: onServedIndex(
    async (call) => {
      const { indexes, name, context } = call;
      const began = context.clock.now();
      const { documents, unapplied, unreadable, vectors, problems } = await indexes.health(name);
      const took = context.clock.now() - began;
      const sizes = Object.fromEntries(vectors.map(({ name: of, ...size }) => [of, size]));
      const { '': vectorsOfNone = null, ...named } = sizes;
      return report(
        call,
        { documents, unapplied, unreadable, vectors: vectorsOfNone, named, problems },
        took,
      );
    },
    onIndex(async (call) => {
      const { index, context } = call;
      const began = context.clock.now();
      await index.ready();
      const took = context.clock.now() - began;
      const { documents, unapplied, unreadable, vectors, named } = index.stats();
      const { problems } = index.health();
      return report(call, { documents, unapplied, unreadable, vectors, named, problems }, took);
    }),
  ),
};

interface Size {
  readonly vectors: number;
  readonly lists: number;
  readonly bytes: number;
}

interface Held {
  readonly documents: number;
  readonly unapplied: number;
  readonly unreadable: number;
  readonly vectors: Size | null | undefined;
  readonly named: Readonly<Record<string, Size>>;
  readonly problems: readonly string[];
}

function report(call: Pick<Call, 'args' | 'context' | 'info'>, held: Held, took: number): number {
  const { info } = call;
  const { documents, vectors, named, problems } = held;
  const all = Object.keys(named).length > 0 ? named : { vectors };
  const rows = Object.entries(all).map(([name, each]) => [
    name,
    `${each?.vectors ?? 0} in ${each?.lists ?? 0} lists, ${each?.bytes ?? 0} bytes`,
  ]);
  const words = renderTable([
    ['model', `${info.model}: ${shapesIn(info)}`],
    ['generation', `${info.live}, of ${info.generations}`],
    ['epoch', info.epoch],
    ['documents', `${documents}, read in ${formatDuration(took)}`],
    ...rows,
    ['problems', problems.join('; ') || 'none'],
  ]);
  return answer(call, { ...info, ...held }, words);
}

export const check: Command = {
  ...OF_EVERY_ACTION,
  name: 'check',
  summary: 'Measure what part of the nearest a search finds.',
  operands: [INDEX_OPERAND],
  about: `Searches for vectors of documents with noise, and compares what is found with
all vectors, which are read from Redis twice.`,
  options: [...PLACE, QUERIES, LIMIT, LEAST, JSON_OUTPUT],
  exitCodes: [['1', 'something is wrong, or less was found than --recall'], ...OF_EVERY_ACTION.exitCodes],
  example: 'holdfast vectors check kb --redis redis://127.0.0.1:6379 --queries 100',
  run: onIndex(async (call) => {
    const { args, index, library, context } = call;
    const least = (args.count(LEAST, 0, 100) ?? 95) / 100;
    const wishes = given({ queries: args.count(QUERIES, 1, 1_000), limit: args.count(LIMIT, 1, 100) ?? 10 });
    await index.ready();
    const report = await library.checkRecall(index, { ...wishes, clock: context.clock });
    const { problems } = index.health();
    const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
    const words = [
      `${report.documents} documents, ${report.withoutVectors} of them without vectors`,
      `${percent(report.recall)} of the ${wishes.limit} nearest are found, over ${report.queries} searches; ${percent(report.worst)} in the worst`,
      `a search takes ${report.p50.toFixed(2)} ms; one in a hundred, ${report.p99.toFixed(2)} ms`,
      ...problems.map((problem) => `wrong: ${problem}`),
    ];
    answer(call, { ...report, problems }, words.join('\n'));
    return report.recall >= least && problems.length === 0 ? EXIT.ok : EXIT.findings;
  }),
};
