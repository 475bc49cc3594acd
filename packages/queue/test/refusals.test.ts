/** What the queue refuses, and what it says: nonsense in arguments and data, a full or an evicting Redis, and memory of its own. */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { createPartitionedQueue, createQueue, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, node, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

// biome-ignore lint/suspicious/noExplicitAny: what no type would let through.
const any = (value: unknown): any => value;

it('refuses arguments that make no sense, with an error that names them', async () => {
  const queue = queueOf<unknown>();
  const calls: [() => unknown, RegExp][] = [
    [() => createQueue(any(undefined)), /createQueue takes an object with redis, .*name.*got undefined/],
    [() => createQueue(any([])), /got \[\]/],
    [
      () => createPartitionedQueue(any(undefined)),
      /createPartitionedQueue takes an object with .*partitions/,
    ],
    [() => queue.add(1, any(null)), /add takes an object.*got null/],
    [() => queue.add(1, any('now')), /got "now"/],
    [() => queue.addMany(any({})), /addMany takes a list of \{ data, options \}; got \[object Object\]/],
    [() => queue.addMany(any([{ data: 1 }, 7])), /tasks\[1\] takes an object with data, options; got 7/],
    [() => queue.addMany(any([{ data: 1, opts: { delay: 5 } }])), /tasks\[0\] has no option "opts"/],
    [() => queue.addMany(any([{ data: 1, options: null }])), /got null/],
    [() => queue.wait('x', any(null)), /wait takes an object with signal; got null/],
    [() => queue.list('waiting', any(null)), /list takes an object/],
    [() => queue.obliterate(any(undefined)), /obliterate takes an object/],
    [() => queue.schedule('s', 1, any(null)), /schedule takes an object/],
    [() => queue.add(1, { ['x'.repeat(3_000_000)]: 1 } as never), /has no option "x{60}…"/],
  ];
  for (const [call, message] of calls) {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(error, String(message)).toBeInstanceOf(MisuseError);
    expect(String(error)).toMatch(message);
    expect(String(error).length).toBeLessThan(1_000);
  }
  expect(await queue.counts()).toMatchObject({ waiting: 0 });
});

it('refuses data that JSON would alter, and says where', async () => {
  const queue = queueOf<unknown>();
  const refused: [unknown, RegExp][] = [
    [new Map(), /The data of a task is JSON, which has no Map\./],
    [{ items: [{ size: Number.NaN }] }, /no NaN: it is at \.items\[0\]\.size/],
    [[1, undefined], /no undefined: it is at \[1\]/],
    [{ at: { most: Number.POSITIVE_INFINITY } }, /no Infinity: it is at \.at\.most/],
    [{ tags: new Set(['a']) }, /no Set: it is at \.tags/],
    [{ run: () => 1 }, /no function: it is at \.run/],
    [{ failure: new Error('x') }, /no Error: it is at \.failure/],
    [undefined, /is JSON; got undefined/],
    [{ big: 1n }, /is not JSON/],
  ];
  for (const [data, message] of refused) await expect(queue.add(data)).rejects.toThrow(message);
  const when = new Date(0);
  class Point {
    readonly x = 1;
  }
  await queue.add({ when, point: new Point(), nothing: null, left: undefined });
  const { tasks } = await queue.list('waiting');
  expect(tasks.map(({ data }) => data)).toEqual([
    { when: when.toISOString(), point: { x: 1 }, nothing: null },
  ]);
});

it.each(['functions', 'scripts'])(
  'by %s, says of a full Redis that it refused and nothing was done, and lets workers empty it',
  async (how) => {
    await client().call('ACL', 'SETUSER', 'scripts', 'on', '>p', '~*', '&*', '+@all', '-fcall', '-function');
    const redis = node().url.replace('://', how === 'scripts' ? '://scripts:p@' : '://');
    const queue = queueOf<number>({ redis });
    await queue.addMany([1, 2, 3].map((data) => ({ data })));
    await queue.add(4, { id: 'named', key: 'k' });
    await client().config('SET', 'maxmemory', '1mb');
    try {
      for (const options of [{}, { id: 'more' }]) {
        const error = await queue.add(5, options).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(UnavailableError);
        expect(String(error)).toMatch(/was refused by Redis; nothing was done\. Its memory is full/);
      }
      expect(await queue.counts()).toMatchObject({ waiting: 4 });
      const seen: number[] = [];
      workerOf({ queue, handler: ({ data }: Task<number>) => void seen.push(data) });
      await eventually(async () => (await queue.counts()).completed, 4);
      expect(seen.sort()).toEqual([1, 2, 3, 4]);
    } finally {
      await client().config('SET', 'maxmemory', '0');
    }
  },
);

it('warns once of a Redis that drops keys', async () => {
  await client().config('SET', 'maxmemory-policy', 'allkeys-lru');
  try {
    const warned = once(process, 'warning');
    await queueOf().counts();
    const [warning] = await warned;
    expect(String(warning)).toContain(`runs out of memory: its maxmemory-policy is allkeys-lru`);
    expect(String(warning)).toContain(String(node().port));
  } finally {
    await client().config('SET', 'maxmemory-policy', 'noeviction');
  }
});

it('keeps nothing of adds that have ended', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const queue = queueOf<string>({ name: 'large' });
  await queue.add('first');
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let number = 0; number < 200; number += 1)
    await queue.add(`${number}`.repeat(400_000 / String(number).length));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});
