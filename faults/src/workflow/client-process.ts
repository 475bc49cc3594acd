/**
 * One client of an app of workflows: a worker, which also starts runs, sends them messages, cancels some and waits for some
 * ends, and records all of it.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { pause, seededRandom, systemClock } from '@holdfast/kernel';
import { createWorkflows, HoldfastError } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { joinHarness } from '../traffic/harness.js';
import { Ledger } from '../traffic/ledger.js';
import { connectNodes, disconnectNodes } from '../traffic/reach.js';
import { Recorder, recordsIn } from '../traffic/recorder.js';
import { APP, LEASE, prefixOf, type WorkflowAssignment, type WorkflowRecord } from './assignment.js';
import { bodiesOf } from './bodies.js';
import { makeWorkflows } from './function.js';
import { Starter } from './starter.js';

const { assignment, finishing, say, unexpected, leave } = joinHarness<WorkflowAssignment>();
const { name, seed, history, reach, episode, replicas, endsWithin } = assignment;

const guard = createRedisGuard({ redis: assignment.ledger, persistence: 'synchronous', callTimeout: 2_000 });
const reader = new Redis(assignment.ledger, { retryStrategy: () => 100, commandTimeout: 2_000 });
reader.on('error', () => {}); // the store is killed on purpose

const note = recordsIn<WorkflowRecord>(history, name);
const workflows = makeWorkflows(
  bodiesOf({
    ...{ episode, note },
    ledger: new Ledger(guard, reader, episode),
    recorder: new Recorder(history, name, unexpected),
  }),
);
const [redis = ''] = connectNodes(reach);
const app = createWorkflows({
  redis,
  name: APP,
  prefix: prefixOf(episode),
  workflows: Object.values(workflows),
  callTimeout: 1_000,
  ...(replicas > 0 && { replicas: { count: replicas, callTimeout: 1_000 } }),
});

/** What a correct worker may tell where servers fail. */
const EXPECTED = ['UNAVAILABLE', 'LEASE_LOST', 'ABORTED', 'STALE_TOKEN'].map((word) => `HOLDFAST_${word}`);

const worker = app.work({
  ...{ lease: LEASE, concurrency: 50, grace: 1_000 },
  onError: (error) => {
    if (!(error instanceof HoldfastError && EXPECTED.includes(error.code))) unexpected(error);
  },
});
const starter = new Starter({ app, note, finishing, random: seededRandom(seed), name: `${episode}.${name}` });
say({ say: 'ready' });
await starter.start(workflows.tree);

const deadline = systemClock.now() + endsWithin;
while (!(await starter.isOver())) {
  if (systemClock.now() > deadline) {
    say({
      say: 'starved',
      resource: APP,
      error: `${worker.problem ?? 'runs are left'}: ${await starter.left()}`,
    });
    break;
  }
  await starter.nudge(workflows.tree);
  await pause(systemClock, 200);
}
await starter.stop();
await worker.stop();
await Promise.all([app.close(), guard.close()]);
reader.disconnect();
disconnectNodes();
leave();
