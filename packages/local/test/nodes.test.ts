/** Real servers: started, stopped, killed, frozen and restarted. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, eventually, expectGone, parentOf, processState } from './machine.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

function only(nodes: LocalNodes): LocalNode {
  const [node] = nodes.nodes;
  if (!node || nodes.nodes.length !== 1) throw new Error('not exactly one node');
  return node;
}

describe('nodes that were started together', () => {
  it('answer on ports of their own, and are gone without a trace after stop, called twice', async () => {
    const nodes = await startNodes(3);
    const all = [...nodes];
    expect(nodes.urls).toEqual(all.map(({ port }) => `redis://127.0.0.1:${port}`));
    expect(new Set(nodes.urls).size).toBe(3);
    for (const { port } of all) expect(await ask(port, 'PING')).toBe('+PONG\r\n');
    const pids = all.map(({ pid }) => pid);
    for (const [index, pid] of pids.entries()) {
      expect(await ask(all[index]?.port ?? 0, 'INFO server')).toContain(`process_id:${pid}\r\n`);
    }
    await Promise.all([nodes.stop(), nodes.stop()]);
    await nodes.stop();
    expect(pids.map(processState)).toEqual([undefined, undefined, undefined]);
    expect(all.map(({ state, pid }) => [state, pid])).toEqual(all.map(() => ['stopped', undefined]));
    expect(existsSync(dirname(all[0]?.folder ?? ''))).toBe(false);
    await expect(all[0]?.start()).rejects.toThrow('stopped for good');
    expect(existsSync(all[0]?.folder ?? '')).toBe(false);
  });

  it('are stopped at the end of an await using block', async () => {
    let pid: number | undefined;
    {
      await using nodes = await startNodes(1);
      pid = only(nodes).pid;
      expect(processState(pid)).toBeDefined();
    }
    expect(processState(pid)).toBeUndefined();
  });

  it('keep the data in a folder of the caller, at the end by a clean shutdown', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'holdfast test-')), 'a "new" one');
    onTestFinished(() => rmSync(dirname(folder), { recursive: true }));
    const first = await startNodes(2, { folder, args: ['--save', '3600 1'] });
    await ask(first.nodes[1]?.port ?? 0, 'SET key value');
    first.nodes[0]?.freeze();
    await first.stop();
    expect(first.nodes.map((node) => node.folder)).toEqual([join(folder, 'node-1'), join(folder, 'node-2')]);
    await using again = await startNodes(2, { folder });
    expect(await ask(again.nodes[1]?.port ?? 0, 'GET key')).toBe('$5\r\nvalue\r\n');
  });

  it('listen on the loopback address, protected, without persistence, whatever the arguments say', async () => {
    await using nodes = await startNodes(1, { args: ['--bind', '0.0.0.0', '--maxmemory', '64mb'] });
    const { port } = only(nodes);
    expect(await ask(port, 'CONFIG GET bind')).toContain('\r\n127.0.0.1\r\n');
    expect(await ask(port, 'CONFIG GET protected-mode')).toContain('\r\nyes\r\n');
    expect(await ask(port, 'CONFIG GET save')).toBe('*2\r\n$4\r\nsave\r\n$0\r\n\r\n');
    expect(await ask(port, 'CONFIG GET appendonly')).toContain('\r\nno\r\n');
    expect(await ask(port, 'CONFIG GET maxmemory')).toContain('\r\n67108864\r\n');
  });

  it('are ready when they ask for a password', async () => {
    await using nodes = await startNodes(1, { args: ['--requirepass', 'secret'] });
    expect(await ask(only(nodes).port, 'PING')).toMatch(/^-NOAUTH/);
  });
});

describe('a node', () => {
  it('refuses connections when killed, and starts again empty on the same port', async () => {
    await using nodes = await startNodes(1, { args: DURABLE });
    const node = only(nodes);
    const { port, pid } = node;
    await ask(port, 'SET key value');
    await node.kill();
    expect([node.state, node.pid, processState(pid)]).toEqual(['stopped', undefined, undefined]);
    await expect(ask(port, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await node.kill();
    await node.start({ empty: true });
    expect(node.port).toBe(port);
    expect(node.pid).not.toBe(pid);
    expect(await ask(port, 'GET key')).toBe('$-1\r\n');
  });

  it('keeps its data over a restart if its arguments ask for that, else not', async () => {
    await using durable = await startNodes(1, { args: DURABLE });
    await using forgetful = await startNodes(1);
    for (const nodes of [durable, forgetful]) {
      await ask(only(nodes).port, 'SET key value');
      await only(nodes).restart();
    }
    expect(await ask(only(durable).port, 'GET key')).toBe('$5\r\nvalue\r\n');
    expect(await ask(only(forgetful).port, 'GET key')).toBe('$-1\r\n');
  });

  it('answers nothing while frozen, and goes on when thawed', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    node.freeze();
    expect(node.state).toBe('frozen');
    await eventually(() => expect(processState(node.pid)).toBe('T'));
    await expect(ask(node.port, 'PING', 200)).rejects.toThrow('silent');
    node.thaw();
    expect(node.state).toBe('running');
    expect(await ask(node.port, 'PING')).toBe('+PONG\r\n');
  });

  it.each(['stop', 'kill', 'restart'] as const)('that is frozen can be ended: %s', async (how) => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    const { pid } = node;
    node.freeze();
    await node[how]();
    expect(processState(pid)).toBeUndefined();
    expect(node.state).toBe(how === 'restart' ? 'running' : 'stopped');
    if (how === 'stop') expect(node.output).toContain(' is now ready to exit');
  });

  it('that ends by itself is stopped, and can be started again', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    await ask(node.port, 'SHUTDOWN NOSAVE').catch(() => {}); // its answer is a closed connection, or none
    await eventually(() => expect(node.state).toBe('stopped'));
    expect(() => node.freeze()).toThrow(MisuseError);
    expect(() => node.thaw()).toThrow('start() it first');
    await node.start();
    expect(await ask(node.port, 'PING')).toBe('+PONG\r\n');
  });

  it('ends with its watchdog', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    const { pid } = node;
    node.freeze();
    process.kill(parentOf(pid), 'SIGKILL');
    await expectGone([pid]);
    await eventually(() => expect(node.state).toBe('stopped'));
  });

  it('keeps the last 64 Ki characters of its output', async () => {
    await using nodes = await startNodes(1, { args: ['--enable-debug-command', 'yes'] });
    const node = only(nodes);
    expect(node.output).toContain('Ready to accept connections');
    for (let count = 0; count < 80; count += 1) await ask(node.port, `DEBUG LOG ${'x'.repeat(1_000)}`);
    await ask(node.port, 'DEBUG LOG last');
    await eventually(() => expect(node.output).toContain('last'));
    expect(node.output.length).toBe(65_536);
  });

  it('starts one server at a time', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    await expect(node.start()).rejects.toThrow('runs already');
    await node.kill();
    const outcomes = await Promise.allSettled([node.start(), node.start()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('can be killed while it starts', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    await node.kill();
    const [started] = await Promise.allSettled([node.start(), node.kill()]);
    expect(started).toMatchObject({ status: 'rejected', reason: expect.any(UnavailableError) });
    expect(node.state).toBe('stopped');
  });

  it('does not take another server on its port for its own', async () => {
    await using nodes = await startNodes(1);
    const node = only(nodes);
    await node.kill();
    await using thief = await startNodes(1, { ports: [node.port] });
    await expect(node.start()).rejects.toThrow(/Address already in use/i);
    expect(node.state).toBe('stopped');
    expect(await ask(node.port, 'INFO server')).toContain(`process_id:${only(thief).pid}\r\n`);
  });
});
