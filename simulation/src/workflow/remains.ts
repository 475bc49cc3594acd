/**
 * What may be left of an app when all its runs are over and its workers have stopped: the runs, as long as they are kept, and
 * counters that stand at nothing.
 */

import type { World } from '../world/world.js';
import { key } from './names.js';
import type { WorkflowOracle } from './oracle.js';
import type { WorkflowPlan } from './plan.js';

/** Of runs that are kept, and of what has happened. */
const MAY_STAY = [
  'meta',
  'tally',
  'gen',
  'over',
  'ended',
  'events',
  'earlier',
  'limits',
  'begun',
  'sleepers',
  'cursors',
  'archives',
];

export function judgeWorkflowRemains({ store }: World<WorkflowPlan>, oracle: WorkflowOracle): void {
  const leave = (what: string): void => oracle.violate('left behind', what);
  const prefix = key('');
  for (const [name, { type, value, expires }] of Object.entries(store.server.dump())) {
    if (!name.startsWith(prefix)) continue;
    const what = name.slice(prefix.length);
    if (/^[jscwkt]:/.test(what)) {
      if (expires === undefined) leave(`${what} is kept for ever`);
    } else if (!MAY_STAY.includes(what)) {
      const text = JSON.stringify(typeof value === 'object' && 'forEach' in value ? [...value] : value);
      leave(`the ${type} ${what}: ${text.slice(0, 200)}`);
    }
  }
  for (const [field, count] of oracle.view.hash('tally')) {
    if ((/:[opdlsu]$/.test(field) || field === '!') && Number(count) !== 0)
      leave(`${field} stands at ${count}`);
  }
  for (const field of oracle.view.hash('meta').keys()) {
    if (field.startsWith('call:')) leave(`${field} of a session that is closed`);
  }
}
