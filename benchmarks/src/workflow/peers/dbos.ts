/**
 * DBOS on PostgreSQL: a workflow function that is called where it runs; through a queue where the worker is another process.
 */
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import type { Opened, Peer, Servers } from './peer.js';

const QUEUE = 'bench';
const APP = 'bench';

async function noop(steps: number): Promise<number> {
  let done = 0;
  while (done < steps) done += await DBOS.runStep(async () => 1, { name: 'noop' });
  return done;
}

async function lapped(steps: number): Promise<number[]> {
  const laps: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    const since = performance.now();
    await DBOS.runStep(async () => 1, { name: 'noop' });
    laps.push(performance.now() - since);
  }
  return laps;
}

async function asWorker({ postgres }: Servers): Promise<Opened> {
  DBOS.setConfig({ name: APP, logLevel: 'error', systemDatabaseUrl: postgres });
  const run = DBOS.registerWorkflow(noop, { name: 'noop' });
  const laps = DBOS.registerWorkflow(lapped, { name: 'lapped' });
  await DBOS.launch();
  await DBOS.registerQueue(QUEUE);
  // Called as functions: DBOS looks at what they are called on.
  return { run: (steps) => run(steps), laps: (steps) => laps(steps), close: () => DBOS.shutdown() };
}

async function asClient({ postgres }: Servers): Promise<Opened> {
  const client = await DBOSClient.create({ systemDatabaseUrl: postgres, applicationName: APP });
  return {
    run: async (steps) => {
      const handle = await client.enqueue<typeof noop>({ workflowName: 'noop', queueName: QUEUE }, steps);
      return handle.getResult();
    },
    close: () => client.destroy(),
  };
}

export const dbos: Peer = {
  name: 'DBOS',
  package: '@dbos-inc/dbos-sdk',
  isSplit: true,
  open: (servers, role) => (role === 'client' ? asClient(servers) : asWorker(servers)),
};
