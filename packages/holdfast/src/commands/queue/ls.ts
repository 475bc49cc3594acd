/** `holdfast queue ls`: all queues, with the numbers of their tasks. */

import { formatDuration } from '@holdfast/kernel';
import { type BreakerState, createQueue, listQueues } from '@holdfast/queue';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, PREFIX, REDIS } from '../../options.js';
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
  options: [REDIS, PREFIX, JSON_OUTPUT],
  example: 'holdfast queue ls --redis redis://127.0.0.1:6379',

  async run(args, { stdout }) {
    const place = placeOf(args);
    const rows = await Promise.all(
      (await listQueues(place)).map(async (name) => {
        await using opened = createQueue({ ...place, name });
        return { name, ...(await opened.counts()) };
      }),
    );
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
