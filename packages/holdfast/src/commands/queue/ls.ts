/** `holdfast queue ls`: all queues, with the numbers of their tasks. */

import { formatDuration } from '@holdfast/kernel';
import { type BreakerState, type Counts, createQueue, listQueues } from '@holdfast/queue';
import type { Arguments } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, PREFIX, REDIS, SERVED } from '../../options.js';
import { throughServer } from '../../served/server.js';
import { renderTable } from '../../table.js';
import { placeOf } from '../place.js';
import { OF_EVERY_ACTION } from './opened.js';

/** What is not as usual. */
const stateOf = (paused: boolean, breaker: BreakerState): string =>
  [paused ? 'paused' : '', breaker === 'closed' ? '' : `breaker ${breaker}`].filter(Boolean).join(', ');

const COLUMNS = ['queue', 'waiting', 'active', 'delayed', 'dead', 'completed', 'oldest', 'workers', ''];

export const ls: Command = {
  ...OF_EVERY_ACTION,
  name: 'ls',
  summary: 'List all queues, with the numbers of their tasks.',
  operands: [],
  about: '"oldest" is for how long the task that is next has been waiting.',
  options: [REDIS, PREFIX, ...SERVED, JSON_OUTPUT],
  example: 'holdfast queue ls --redis redis://127.0.0.1:6379',

  async run(args, context) {
    const { stdout } = context;
    const rows =
      args.server === undefined ? await countsIn(placeOf(args)) : await countsThrough(args, context);
    const table = rows.map(
      ({ name, waiting, active, delayed, dead, completed, oldest, workers, paused, breaker }) => [
        ...[name, waiting, active, delayed, dead, completed].map(String),
        ...[formatDuration(oldest), String(workers), stateOf(paused, breaker)],
      ],
    );
    stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(rows) : renderTable([COLUMNS, ...table])}\n`);
    return EXIT.ok;
  },
};

type Row = { readonly name: string } & Counts;

const countsIn = async (place: ReturnType<typeof placeOf>): Promise<readonly Row[]> =>
  Promise.all(
    (await listQueues(place)).map(async (name) => {
      await using opened = createQueue({ ...place, name });
      return { name, ...(await opened.counts()) };
    }),
  );

const countsThrough = (args: Arguments, context: Context): Promise<readonly Row[]> =>
  throughServer(args, context, async (client) => {
    const { queues, counts = {} } = await client.queues.list({ counts: 'true' });
    return queues.flatMap((name) => (counts[name] ? [{ name, ...(counts[name] as object as Counts) }] : []));
  });
