/** Real servers: started, stopped, killed, frozen, and gone when the program that started them is gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { findServer, type LocalNode, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { answersPing, freePort } from '../src/ports.js';

const alive = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function withRedis<T>(node: LocalNode, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(node.url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

describe('startNodes', () => {
  it('starts nodes that answer, and stops them without a trace', async () => {
    const nodes = await startNodes(3);
    expect(new Set(nodes.urls).size).toBe(3);
    const pids = nodes.nodes.map(({ pid }) => pid);
    for (const node of nodes) expect(await answersPing(node.port, 1_000)).toBe(true);
    await nodes.stop();
    await nodes.stop();
    expect(pids.map(alive)).toEqual([false, false, false]);
    expect(nodes.nodes.map(({ folder }) => existsSync(folder))).toEqual([false, false, false]);
    expect(nodes.nodes[0]?.state).toBe('stopped');
  });

  it('kills a node and starts it again empty on the same port', async () => {
    await using nodes = await startNodes(1);
    const [node] = nodes.nodes as [LocalNode];
    await withRedis(node, (redis) => redis.set('key', 'value'));
    await node.kill();
    expect(await answersPing(node.port, 1_000)).toBe(false);
    await node.start({ empty: true });
    expect(await withRedis(node, (redis) => redis.get('key'))).toBeNull();
  });

  it('keeps the data of a node over a restart when its arguments ask for that', async () => {
    await using nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const [node] = nodes.nodes as [LocalNode];
    await withRedis(node, (redis) => redis.set('key', 'value'));
    await node.restart();
    expect(await withRedis(node, (redis) => redis.get('key'))).toBe('value');
    await node.restart({ empty: true });
    expect(await withRedis(node, (redis) => redis.get('key'))).toBeNull();
  });

  it('freezes a node, which then answers nobody, and thaws it', async () => {
    await using nodes = await startNodes(1);
    const [node] = nodes.nodes as [LocalNode];
    node.freeze();
    expect(node.state).toBe('frozen');
    expect(await answersPing(node.port, 100)).toBe(false);
    node.thaw();
    expect(await answersPing(node.port, 5_000)).toBe(true);
    await node.stop();
    expect(node.state).toBe('stopped');
    expect(() => node.freeze()).toThrow(MisuseError);
  });

  it.each(['exit', 'kill', 'crash'])('leaves nothing behind when its program ends by %s', async (how) => {
    const program = `
      import { startNodes } from '@holdfast/local';
      const nodes = await startNodes(2);
      nodes.nodes[1].freeze();
      console.log(JSON.stringify(nodes.nodes.map(({ pid, folder }) => ({ pid, folder }))));
      if ('${how}' === 'kill') process.kill(process.pid, 'SIGKILL');
      if ('${how}' === 'crash') throw new Error('as planned');`;
    const args = ['--import', 'tsx', '--conditions=@holdfast/source', '--input-type=module', '-e', program];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += String(data);
    });
    await once(child, 'close');
    const started = JSON.parse(output) as { pid: number; folder: string }[];
    expect(started).toHaveLength(2);
    await vi.waitFor(() => expect(started.map(({ pid }) => alive(pid))).toEqual([false, false]), 10_000);
    await vi.waitFor(
      () => expect(started.map(({ folder }) => existsSync(folder))).toEqual([false, false]),
      10_000,
    );
  });
});

describe('what startNodes refuses', () => {
  it.each([0, 1.5, 101, '3'])('%j nodes', async (count) => {
    await expect(startNodes(count as number)).rejects.toThrow(MisuseError);
  });

  it('a wrong number of ports, a port out of range, a port in use', async () => {
    await expect(startNodes(2, { ports: [7001] })).rejects.toThrow('2 nodes, 1 ports');
    await expect(startNodes(1, { ports: [70_000] })).rejects.toThrow('got 70000');
    await using nodes = await startNodes(1);
    const { port } = nodes.nodes[0] as LocalNode;
    await expect(startNodes(1, { ports: [port] })).rejects.toThrow(`Port ${port} is in use`);
  });

  it('a misspelt option', async () => {
    await expect(startNodes(1, { port: 1 } as object)).rejects.toThrow('no option "port"');
  });

  it('a server that does not start, with what it printed', async () => {
    const failed = startNodes(2, { args: ['--no-such-option', '1'] });
    await expect(failed).rejects.toThrow(UnavailableError);
    await expect(failed).rejects.toThrow(/no-such-option/);
  });

  it('a server that is not there', () => {
    expect(() => findServer({ HOLDFAST_REDIS_SERVER: '/no/such/server' })).toThrow('/no/such/server');
    expect(() => findServer({ PATH: '' })).toThrow(/install one/);
  });

  it('a start while it runs', async () => {
    await using nodes = await startNodes(1, { ports: [await freePort()] });
    await expect(nodes.nodes[0]?.start()).rejects.toThrow('runs already');
  });
});
