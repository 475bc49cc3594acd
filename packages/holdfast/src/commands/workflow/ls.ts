/** `holdfast workflow ls`: the workflows of an app, with the numbers of their runs. */

import { formatDuration } from '@holdfast/kernel';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { STATES } from './filter.js';
import { answer, type Call, OF_EVERY_ACTION, onApp, PLACE } from './opened.js';

export const ls: Command = {
  ...OF_EVERY_ACTION,
  name: 'ls',
  summary: 'List workflows, with the numbers of runs.',
  operands: [],
  about: `"oldest" is for how long the run that is next has waited for a worker, and
"takeovers" how often runs were taken over from workers that were lost.`,
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast workflow ls --app shop --redis redis://127.0.0.1:6379',
  run: onApp(list),
};

async function list(call: Call): Promise<number> {
  const { app } = call;
  const demand = await app.demand();
  const rows = await Promise.all(
    app.names.map(async (name) => {
      const { oldest = 0, takeovers = 0, paused = false } = demand[name] ?? {};
      return { name, ...(await app.counts(name)), oldest, takeovers, paused };
    }),
  );
  const table = rows.map((row) => [
    ...[row.name, ...STATES.map((state) => String(row[state]))],
    ...[formatDuration(row.oldest), String(row.takeovers), row.paused ? 'paused' : ''],
  ]);
  return answer(call, rows, renderTable([['workflow', ...STATES, 'oldest', 'takeovers', ''], ...table]));
}
