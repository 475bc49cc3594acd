/**
 * Runs the onboarding: `main.ts [all | worker]`. A worker lets runs go on until SIGTERM. `all` is a worker with days of DAY ms,
 * by default 300; one customer confirms after the first reminder, one gives up, and it ends. Another setting: REDIS_URL.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkflows } from '@holdfast/workflow';
import { onboarding } from './onboarding.js';

const { REDIS_URL: url = 'redis://127.0.0.1:6379', DAY = '300' } = process.env;
const role = process.argv[2] ?? 'all';
if (role !== 'all' && role !== 'worker') {
  console.error(`Say all or worker; got "${role}".`);
  process.exit(64);
}

const welcome = onboarding({
  open: async (account) => console.log(`${account} is opened`),
  close: async (account) => console.log(`${account} is closed`),
  mail: async (address, letter) => console.log(`to ${address}: ${letter}`),
  ...(role === 'all' && { day: Number(DAY) }),
});
const workflows = createWorkflows({ redis: url, name: 'customers', workflows: [welcome] });
workflows.work();

async function stop(): Promise<void> {
  await workflows.close(); // gives back what does not end within the grace of the worker
  console.log(`${role}: stopped`);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
console.log(`${role}: ready`);

if (role === 'all') {
  const customer = (account: string) => ({ account, address: `${account}@example.org` });
  const eve = await workflows.start(welcome, customer('eve'));
  const bob = await workflows.start(welcome, customer('bob'));
  // Until the first reminder is out.
  while (((await eve.state<{ next: string }>())?.next ?? 'reminder') === 'reminder') await sleep(20);
  await eve.send('confirmed', { by: 'eve' });
  await bob.cancel('bob has changed his mind');
  console.log(await eve.result());
  await bob.result().catch((error: Error) => console.log(error.message));
  await stop();
}
