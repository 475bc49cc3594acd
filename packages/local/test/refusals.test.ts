/** What startNodes refuses, what the error says, and that nothing is left behind then. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { findServer, type StartOptions, startNodes } from '@holdfast/local';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectGone } from './machine.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A program of the test's own in the place of the server. */
function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** The processes whose command line contains the name of the test's folder: `ps` itself has it not. */
const left = (): string[] =>
  spawnSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(folder));

describe('misuse', () => {
  it.each([0, -1, 1.5, Number.NaN, 101, '3', undefined])('%j nodes', async (count) => {
    await expect(startNodes(count as number)).rejects.toThrow(MisuseError);
  });

  it.each<[object, string]>([
    [{ port: 1 }, 'no option "port"'],
    [{ ports: [7001] }, '2 nodes, 1 ports'],
    [{ ports: 7001 }, 'got 7001'],
    [{ ports: [7001, 70_000] }, 'got 70000'],
    [{ ports: [0, 7001] }, 'got 0'],
    [{ ports: [7001, 7001] }, 'Port 7001 is given twice'],
    [{ folder: '' }, 'got ""'],
    [{ args: ['/etc/redis.conf'] }, 'got ["/etc/redis.conf"]'],
    [{ args: ['--port', 7] }, 'got ["--port",7]'],
    [{ readyTimeout: 0 }, 'got 0'],
  ])('options %j', async (options, message) => {
    const refused = startNodes(2, options as StartOptions);
    await expect(refused).rejects.toThrow(MisuseError);
    await expect(refused).rejects.toThrow(message);
  });

  it('a port in use', async () => {
    await using nodes = await startNodes(1);
    const port = nodes.nodes[0]?.port ?? 0;
    await expect(startNodes(1, { ports: [port] })).rejects.toThrow(`Port ${port} is in use`);
  });

  it('a misspelt option of start', async () => {
    await using nodes = await startNodes(1);
    await nodes.nodes[0]?.kill();
    await expect(nodes.nodes[0]?.start({ emtpy: true } as object)).rejects.toThrow('no option "emtpy"');
  });
});

describe('findServer', () => {
  it('takes the one that HOLDFAST_REDIS_SERVER names, else redis-server, else valkey-server', () => {
    const valkey = program('valkey-server', '');
    expect(findServer({ PATH: folder })).toBe(valkey);
    const redis = program('redis-server', '');
    expect(findServer({ PATH: `/no/such/folder:${folder}` })).toBe(redis);
    expect(findServer({ PATH: folder, HOLDFAST_REDIS_SERVER: valkey })).toBe(valkey);
  });

  it('says how to get one', async () => {
    expect(() => findServer({ PATH: folder })).toThrow(MisuseError);
    expect(() => findServer({})).toThrow(/install one/);
    expect(() => findServer({ HOLDFAST_REDIS_SERVER: '/no/such/server' })).toThrow('"/no/such/server"');
    vi.stubEnv('HOLDFAST_REDIS_SERVER', folder);
    await expect(startNodes(1)).rejects.toThrow(MisuseError);
  });
});

describe('a server that does not get ready', () => {
  it('because it ends: with what it printed', async () => {
    const failed = startNodes(2, { args: ['--no-such-option', '1'] });
    await expect(failed).rejects.toThrow(UnavailableError);
    await expect(failed).rejects.toThrow(/ended while starting.*no-such-option/s);
  });

  it('because it is no program', async () => {
    vi.stubEnv('HOLDFAST_REDIS_SERVER', program('broken', '#!/no/such/interpreter\n'));
    await expect(startNodes(1)).rejects.toThrow(/ended while starting.*broken/s);
  });

  it('because it does not listen: within the time limit, and it is killed with what it forked', async () => {
    vi.stubEnv('HOLDFAST_REDIS_SERVER', program('deaf', '#!/bin/sh\nsleep 600 & echo "forked $!"\nwait\n'));
    const failed = startNodes(1, { readyTimeout: 500, folder: join(folder, 'data') });
    const error: Error = await failed.then(
      () => new Error('it started'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toContain('did not answer within 500 ms');
    await expectGone([Number(/forked (\d+)/.exec(error.message)?.[1])]);
    expect(left()).toEqual([]);
  });

  it('because it listens and says nothing', async () => {
    const text = `#!${process.execPath}
      const { argv } = process;
      require('node:net').createServer().listen(Number(argv[argv.lastIndexOf('--port') + 1]), '127.0.0.1');`;
    vi.stubEnv('HOLDFAST_REDIS_SERVER', program('mute', text));
    await expect(startNodes(1, { readyTimeout: 1_000 })).rejects.toThrow('did not answer within 1000 ms');
    expect(left()).toEqual([]);
  });

  it('takes the others with it', async () => {
    const real = findServer();
    const text = `#!/bin/sh\ncase "$PWD" in *node-2*) echo unlucky; exit 1;; *) exec ${real} "$@";; esac\n`;
    vi.stubEnv('HOLDFAST_REDIS_SERVER', program('second-fails', text));
    vi.stubEnv('TMPDIR', folder);
    await expect(startNodes(3)).rejects.toThrow('unlucky');
    expect(left()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['second-fails']);
  });
});
