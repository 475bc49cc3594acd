/**
 * Runs the workers: `main.ts [all | desk | writer | checker | editor]`, until SIGTERM. Start as many of each as you need; each
 * loads and serves only what it is for. `all` is all of them in one process, has one article written, and ends.
 *
 * Settings come from the environment: REDIS_URL; LEASE, after how many ms without a sign of life the runs of a worker go on
 * elsewhere; DELAY of the mocks; REQUESTS a minute to the model.
 */
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, type WorkflowMessage } from '@holdfast/workflow';
import { Redis } from 'ioredis';

const {
  REDIS_URL: url = 'redis://127.0.0.1:6379',
  LEASE = '5000',
  DELAY = '100',
  REQUESTS = '6000',
} = process.env;
const delay = Number(DELAY);
const role = process.argv[2] ?? 'all';
const closing: (() => unknown)[] = [];

async function openDesk() {
  const { article } = await import('./article.js');
  const { printer } = await import('./print.js');
  const redis = new Redis(url);
  redis.on('error', () => {}); // it connects again by itself, and calls that fail are tried again with their steps
  // This Redis has appendfsync always and no replica, so a restart forgets no mark. Leave the option out if yours has not.
  const guard = createRedisGuard({ redis: url, persistence: 'synchronous' });
  closing.push(
    () => redis.disconnect(),
    () => guard.close(),
  );
  const publish = printer(guard, redis, async ({ id, title, text }) => {
    console.log(`typesetting ${id}`);
    await sleep(delay);
    return `# ${title}\n\n${text}\n`;
  });
  return [article(publish)];
}

async function openAgents() {
  const agents = await import('./agents.js');
  const { mockModel } = await import('./mocks.js');
  const { modelLimits } = await import('@holdfast/workflow/ai');
  const limits = modelLimits({ redis: url, name: 'mock', requests: Number(REQUESTS), tokens: 1_000_000 });
  closing.push(() => limits.close());
  return { agents, limits, model: mockModel(delay) };
}

const ROLES = {
  desk: openDesk,
  async writer() {
    const { agents, limits, model } = await openAgents();
    return [agents.outline(model, limits), agents.draft(model, limits)];
  },
  async editor() {
    const { agents, limits, model } = await openAgents();
    return [agents.edit(model, limits)];
  },
  async checker() {
    const { factCheck } = await import('./fact-check.js');
    const years = new Map([
      ['Kiel', 1233],
      ['Ulm', 854],
      ['Jena', 1182],
    ]);
    return [
      factCheck(async (city) => {
        console.log(`the year of ${city} is looked up`);
        await sleep(delay);
        return years.get(city);
      }),
    ];
  },
};

const open = role === 'all' ? Object.values(ROLES) : [ROLES[role as keyof typeof ROLES]];
if (open[0] === undefined) {
  console.error(`Say all, ${Object.keys(ROLES).join(', ')}; got "${role}".`);
  process.exit(64);
}
const opened = (await Promise.all(open.map((each) => each()))).flat();
const workflows = createWorkflows({ redis: url, name: 'press', workflows: opened });
workflows.work({ lease: Number(LEASE) });
subscribe('holdfast:workflow:refused', (message) => {
  const { run, reason } = message as WorkflowMessage;
  console.log(`refused, as another worker has the run ${run}: ${reason}`);
});

async function stop(): Promise<void> {
  await workflows.close(); // gives back what does not end within the grace of the worker
  for (const close of closing) await close();
  console.log(`${role}: stopped`);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
console.log(`${role}: ready`);

if (role === 'all') {
  const id = `kiel-${Date.now()}`;
  const written = await workflows.run('article', { id, topic: 'Kiel' }, { id });
  console.log(written);
  await stop();
}
