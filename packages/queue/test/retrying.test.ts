/** Adds that wait while Redis is away, and are carried out once although answers are lost. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { QueueFullError } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { eventually, later, node, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

/** A connection through it loses the next answer, and with it the connection, for as long as `swallows` says. */
class Between {
  swallows = 0;
  swallowed = 0;
  /** Whether new connections are refused. */
  isAway = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((near) => {
      if (this.isAway) {
        near.destroy();
        return;
      }
      const far = connect(node().port, '127.0.0.1');
      for (const socket of [near, far]) this.#sockets.add(socket.on('error', () => {}));
      let hasAdded = false;
      near.on('data', (bytes) => {
        if (/_put|_add/.test(bytes.toString('latin1'))) hasAdded = true;
        far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (hasAdded && this.swallows > 0) {
          this.swallows -= 1;
          this.swallowed += 1;
          near.destroy();
          far.destroy();
        } else near.write(bytes);
        hasAdded = false;
      });
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    later(() => {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    });
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

it('an add waits for Redis to come back; without `retry` it fails at once', async () => {
  const patient = queueOf<number>({ retry: { within: 20_000 } });
  const hasty = queueOf<number>({});
  await patient.add(0);
  await hasty.add(0);
  await node().stop();
  await expect(hasty.add(1)).rejects.toThrow(UnavailableError);
  const adding = Promise.all([patient.add(2), patient.add(3, { id: 'own' }), patient.add(4, { key: 'k' })]);
  await node().start();
  expect((await adding).map(({ added }) => added)).toEqual([true, true, true]);
  expect((await patient.counts()).waiting).toBe(3); // it has forgotten those before
});

it('a task is added once although the answers were lost, also where it has ended meanwhile', async () => {
  const between = new Between();
  const queue = queueOf<number>({ redis: await between.start(), retry: { within: 20_000 } });
  const handled: number[] = [];
  workerOf({ queue: queueOf<number>(), handler: ({ data }) => void handled.push(data) });
  await queue.add(0);
  for (let n = 1; n <= 10; n += 1) {
    between.swallows = 1 + (n % 2);
    const options = [{}, { id: `own ${n}` }, { delay: 1 }, { key: 'k', priority: 3 }][n % 4];
    const { id, added } = await queue.add(n, options);
    if (options?.id === undefined) expect(added).toBe(true);
    else expect(id).toBe(`own ${n}`);
    await eventually(() => handled.includes(n), true);
  }
  expect(between.swallowed).toBeGreaterThanOrEqual(10);
  await eventually(async () => (await queue.counts()).totals.completed, 11);
  expect(handled.sort((one, other) => one - other)).toEqual(Array.from({ length: 11 }, (_, n) => n));
});

it('gives up when the time is over, and at once when the queue is closed or full', async () => {
  const between = new Between();
  const redis = await between.start();
  const queue = queueOf<number>({ redis, retry: { within: 300 }, limits: { waiting: 1 } });
  await queue.add(1);
  await expect(queue.add(2)).rejects.toThrow(QueueFullError);
  between.isAway = true;
  between.cut();
  await expect(queue.add(3)).rejects.toThrow(UnavailableError);
  const long = queueOf<number>({ redis, retry: { within: 3_600_000 } });
  const adding = expect(long.add(4)).rejects.toThrow();
  await long.close();
  await adding;
});

it('an add that replaces is repeated only where nothing was done', async () => {
  const between = new Between();
  const queue = queueOf<number>({ redis: await between.start(), retry: { within: 20_000 } });
  await queue.add(0);
  between.swallows = 1;
  const deduplicate = { key: 'd', within: 60_000, keep: 'last' } as const;
  await expect(queue.add(1, { deduplicate })).rejects.toThrow(/not known/);
});

it.each([{ within: 0 }, { within: 1.5 }, {}, 5, { within: 10, tries: 3 }])('refuses %o', (retry) => {
  expect(() => queueOf({ retry: retry as never })).toThrow(MisuseError);
});
