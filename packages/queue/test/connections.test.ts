/** How many connections a worker needs, and what it costs while there is nothing to do. */
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, watchCommands, workerOf } from './setting.js';

useRedis();

const connections = async (): Promise<number> => {
  const list = String(await client().call('CLIENT', 'LIST'));
  return list.trim().split('\n').length - 1; // that of the test
};

const names = Array.from({ length: 20 }, (_, n) => `q${n}`);

it('a worker of 20 queues has at most 4 connections, and hears of each queue', async () => {
  const queues = names.map((name) => queueOf<string>({ name }));
  const handled: string[] = [];
  let most = 0;
  const end: (() => void)[] = [];
  later(() => end.forEach((one) => void one()));
  const worker = workerOf({
    queue: queues,
    lease: 86_400_000, // no renewal wakes it
    concurrency: 40,
    handler: async ({ data, signal }) => {
      handled.push(data);
      if (!data.startsWith('long')) return;
      await new Promise<void>((resolve) => {
        end.push(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    },
  });
  await eventually(() => worker.problem, undefined);
  for (let round = 0; round < 3; round += 1) {
    for (const [n, queue] of queues.entries()) await queue.add(`${round}.${n}`);
    await eventually(() => handled.length, 20 * (round + 1));
    most = Math.max(most, await connections());
  }
  const ids = await Promise.all(queues.map(async (queue) => (await queue.add('long')).id));
  await eventually(() => end.length, 20);
  // All are heard of over one connection more.
  await eventually(async () => / cmd=xread /.test(String(await client().call('CLIENT', 'LIST'))), true);
  most = Math.max(most, await connections());
  for (const [n, queue] of queues.entries()) await queue.cancel(ids[n] ?? '');
  await eventually(() => worker.inFlight, 0);
  expect(most).toBeLessThanOrEqual(4);
  expect(most).toBeGreaterThan(1);
  await worker.stop();
});

it('a user without the right to CLIENT gets connections of his own for what cannot wait together', async () => {
  await client().call('ACL', 'SETUSER', 'noclient', 'on', '>pw', '~*', '&*', '+@all', '-client');
  later(() => client().call('ACL', 'DELUSER', 'noclient'));
  const redis = url().replace('redis://', 'redis://noclient:pw@');
  const queues = names.slice(0, 5).map((name) => queueOf<number>({ name, redis }));
  const handled: number[] = [];
  workerOf({
    queue: queues,
    lease: 86_400_000,
    concurrency: 5,
    handler: ({ data }) => void handled.push(data),
  });
  for (let round = 0; round < 3; round += 1) {
    for (const queue of queues) await queue.add(round);
    await eventually(() => handled.length, 5 * (round + 1));
  }
});

/** Resolves when a worker sleeps on all of these queues, over one connection. */
async function asleepOn(queues: readonly { name: string }[], start: () => void): Promise<void> {
  let last = '';
  await watchCommands((line) => {
    if (/"blpop"/i.test(line)) last = line;
  });
  start();
  await eventually(() => queues.every(({ name }) => last.includes(`{queue:${name}}:bell`)), true);
}

it('an idle worker asks nothing between two renewals of its sessions', async () => {
  const queues = names.map((name) => queueOf<string>({ name }));
  await asleepOn(queues, () => workerOf({ queue: queues, lease: 86_400_000, handler: () => {} }));
  const calls = async (): Promise<Record<string, string>> => {
    const text = String(await client().info('commandstats'));
    return Object.fromEntries([...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, ...each]) => each));
  };
  const before = await calls();
  for (let n = 0; n < 20; n += 1) await client().ping();
  const after = await calls();
  const spent = Object.keys(after).filter((name) => after[name] !== before[name]);
  expect(spent.sort()).toEqual(['info', 'ping']);
});

it('an idle worker looks for work less often than it renews its sessions, and waits once for all queues', async () => {
  const queues = names.slice(0, 5).map((name) => queueOf<string>({ name }));
  await asleepOn(queues, () => workerOf({ queue: queues, lease: 2_400, handler: () => {} }));
  const counts = { renew: 0, work: 0, blpop: 0, other: 0 };
  await watchCommands((line) => {
    const [, command = ''] = /\] "(\w+)"/.exec(line) ?? [];
    if (/_renew"/.test(line)) counts.renew += 1;
    else if (/_work"/.test(line)) counts.work += 1;
    else if (/blpop/i.test(command)) counts.blpop += 1;
    else if (!/_rouse"/.test(line) && /^(fcall|evalsha|eval)/i.test(command)) counts.other += 1;
  });
  await eventually(() => counts.renew >= 30, true); // two leases
  expect(counts.work).toBeLessThanOrEqual(counts.renew);
  expect(counts.other).toBe(0);
});
