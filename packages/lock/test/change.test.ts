/** Adding and removing nodes of a deployment that runs, with real nodes and clients of both numbers at once. */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { expect, it, vi } from 'vitest';
import { SHORT } from './deployment.js';

class Changing implements AsyncDisposable {
  readonly servers: Awaited<ReturnType<typeof startNodes>>;
  readonly #opened: Locks[] = [];

  constructor(servers: Awaited<ReturnType<typeof startNodes>>) {
    this.servers = servers;
  }

  /** Locks over the servers with these numbers. */
  over(...indexes: readonly number[]): Locks {
    const nodes = indexes.map((index) => this.url(index));
    const locks = createLocks({ nodes, ...SHORT, allowEven: true, onWarning: () => {} });
    this.#opened.push(locks);
    return locks;
  }

  url(index: number): string {
    return this.servers.urls[index] ?? '';
  }

  address(index: number): string {
    return this.url(index).replace('redis://', '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const locks of this.#opened) await locks.close();
    await this.servers.stop();
  }
}

async function start(count: number): Promise<Changing> {
  return new Changing(await startNodes(count));
}

it('clients with the old and the new number of nodes exclude each other, and tokens rise', async () => {
  await using change = await start(4);
  const [three, four] = [change.over(0, 1, 2), change.over(0, 1, 2, 3)];
  await three.initialize();
  let holders = 0;
  let last = 0;
  let turns = 0;
  let overlaps = 0;
  let over = false;
  const contend = async (locks: Locks): Promise<void> => {
    while (!over) {
      const lease = await locks.acquire('r', { ttl: 1_000, wait: 500 }).catch(() => undefined);
      if (!lease) continue;
      holders += 1;
      if (holders !== 1) overlaps += 1;
      if (lease.token <= last) overlaps += 1;
      last = lease.token;
      turns += 1;
      await lease.extend().catch(() => {}); // a commit may come between
      holders -= 1;
      await lease.release();
    }
  };
  const turn = async (): Promise<void> => {
    const before = turns;
    await vi.waitFor(() => expect(turns).toBeGreaterThan(before + 20), 20_000);
  };
  const old = contend(three);
  await turn();
  expect(await three.addNode(change.url(3))).toEqual({ state: 'proposed', nodes: 4 });
  const young = contend(four);
  await turn();
  const voting = async () =>
    expect((await four.inspect('r')).nodes.map(({ state }) => state)).toEqual(Array(4).fill('voting'));
  await vi.waitFor(voting, 20_000);
  await turn();
  expect(await four.commitNodes()).toEqual({ state: 'committed', nodes: 4 });
  await turn();
  await expect(three.acquire('r')).rejects.toThrow(MisuseError);
  await expect(three.acquire('r')).rejects.toThrow(/"nodes=4 .*this client says "nodes=3 /);
  expect(await four.removeNode(change.address(2))).toEqual({ state: 'proposed', nodes: 3 });
  const third = contend(change.over(0, 1, 3));
  await turn();
  expect(await change.over(0, 1, 3).commitNodes()).toEqual({ state: 'committed', nodes: 3 });
  await turn();
  await expect(four.acquire('r')).rejects.toThrow(MisuseError);
  over = true;
  await Promise.all([old, young, third]);
  expect(overlaps).toBe(0);
});

it('a client that was forgotten cannot use a removed node against the others', async () => {
  await using change = await start(4);
  const forgotten = change.over(0, 1, 2);
  await forgotten.initialize();
  await forgotten.addNode(change.url(3));
  const four = change.over(0, 1, 2, 3);
  await four.commitNodes();
  await four.removeNode(change.address(2));
  const now = change.over(0, 1, 3);
  await now.commitNodes();
  await vi.waitFor(async () => (await now.acquire('r', { ttl: 1_000, wait: 0 })).release(), 10_000);
  change.servers.nodes[1]?.freeze();
  const outcome = await forgotten.acquire('r', { ttl: 1_000, wait: 0 }).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(UnavailableError);
  expect(String(outcome)).toMatch(/its deployment record says "retired"/);
  await (await now.acquire('r', { ttl: 1_000 })).release();
  change.servers.nodes[1]?.thaw();
});

it('a change that is not safe is refused, and nothing is changed', async () => {
  await using change = await start(5);
  const three = change.over(0, 1, 2);
  await three.initialize();
  await expect(three.addNode(change.url(2))).rejects.toThrow(/same Redis server as/);
  await expect(three.removeNode('nowhere:1')).rejects.toThrow(/is none of the nodes/);
  await expect(three.commitNodes()).resolves.toEqual({ state: 'committed', nodes: 3 }); // nothing was proposed
  const other = change.over(3);
  await other.initialize();
  await expect(three.addNode(change.url(3))).rejects.toThrow(/belongs to a deployment already/);
  await expect(change.over(0, 1).removeNode(change.address(1))).rejects.toThrow(/is described otherwise/);
  await expect(change.over(0, 1, 2, 4).commitNodes()).rejects.toThrow(/No change to 4 nodes was proposed/);
  await expect(other.removeNode(change.address(3))).rejects.toThrow(/is the only node/);
  await change.servers.nodes[2]?.kill();
  await expect(three.addNode(change.url(4))).rejects.toThrow(UnavailableError);
  await expect(three.removeNode(change.address(2))).rejects.toThrow(UnavailableError);
  expect(await three.removeNode(change.address(2), { gone: true })).toEqual({ state: 'proposed', nodes: 2 });
  await expect(three.addNode(change.url(4))).rejects.toThrow(UnavailableError);
  await expect(change.over(0, 1).addNode(change.url(4))).rejects.toThrow(/is described otherwise/);
  expect(await three.removeNode(change.address(2), { gone: true })).toEqual({ state: 'proposed', nodes: 2 });
  await (await three.acquire('r', { ttl: 1_000 })).release();
  await (await change.over(0, 1).acquire('r', { ttl: 1_000 })).release();
  expect(await change.over(0, 1).commitNodes()).toEqual({ state: 'committed', nodes: 2 });
});

it('a change that broke off is completed by the same call, also when the new node has restarted empty', async () => {
  await using change = await start(4);
  const three = change.over(0, 1, 2);
  await three.initialize();
  change.servers.nodes[1]?.freeze();
  await expect(three.addNode(change.url(3))).rejects.toThrow(UnavailableError);
  change.servers.nodes[1]?.thaw();
  await vi.waitFor(() => three.addNode(change.url(3)), 10_000);
  await expect(change.over(0, 1, 2).removeNode(change.address(1))).rejects.toThrow(
    /Another change has not ended/,
  );
  await change.servers.nodes[3]?.restart({ empty: true });
  const four = change.over(0, 1, 2, 3);
  expect(await four.commitNodes()).toEqual({ state: 'committed', nodes: 4 });
  const state = async () => (await four.inspect('r')).nodes[3]?.state;
  expect(await state()).toBe('quarantined');
  await vi.waitFor(async () => expect(await state()).toBe('voting'), 10_000);
});
