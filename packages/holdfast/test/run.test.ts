/** `holdfast run` on real nodes: what the program is given, what it is sent, and how its end comes out. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { called } from './called.js';
import { BIN, Cli, endAll, holdfast, isAlive } from './cli.js';

let nodes: LocalNodes;
let env: Record<string, string>;

beforeAll(async () => {
  nodes = await startNodes(3);
  env = { HOLDFAST_NODES: nodes.urls.join(',') };
  expect((await called(['init'], env)).code).toBe(0);
});
afterEach(endAll);
afterAll(() => nodes?.stop());

/** A shell program that holds the lease until it is told to stop. */
const HOLD = ['sh', '-c', 'echo ready $$ $PPID; while :; do sleep 0.05; done'];

function run(lock: string, program: readonly string[], ...options: readonly string[]): Cli {
  return holdfast(['run', '--lock', lock, ...options, '--', ...program], env);
}

async function isHeld(resource: string): Promise<boolean> {
  const { code, stdout, stderr } = await called(['inspect', resource, '--json'], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as { held: boolean }).held;
}

test('gives the program its resource, token and owner, takes its status, and gives the lease back', async () => {
  const words = 'echo "$HOLDFAST_RESOURCE|$HOLDFAST_TOKEN|$HOLDFAST_OWNER|$1"; exit 7';
  const tokens: number[] = [];
  for (const _ of [1, 2]) {
    const { code, stdout, stderr } = await run('account 42', ['sh', '-c', words, 'sh', '--json']).ended;
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
    const [, token] = /^account 42\|(\d+)\|[^|]+:\d+\/[^|]+\|--json\n$/.exec(stdout) ?? [];
    tokens.push(Number(token));
  }
  expect(tokens[1]).toBeGreaterThan(tokens[0] ?? Number.NaN);
  expect(await isHeld('account 42')).toBe(false);
});

test('the program has the streams of holdfast, which itself writes nothing', async () => {
  const cli = run('streams', ['sh', '-c', 'read line; echo "out $line"; echo err >&2']);
  cli.type('hello\n');
  expect(await cli.ended).toEqual({ code: 0, stdout: 'out hello\n', stderr: 'err\n' });
});

test('a second run while the first holds the lease is busy; one that waits gets it', async () => {
  const first = run('shared', HOLD);
  await first.until(/ready/);
  const { code, stdout, stderr } = await run('shared', ['echo', 'never'], '--wait', '50ms').ended;
  expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
  expect(stderr).toMatch(/^holdfast: "shared" is held by somebody else after waiting 50 ms/);
  const waiting = run('shared', ['echo', 'at last'], '--wait', '30s');
  first.signal('SIGTERM');
  expect((await first.ended).code).toBe(143);
  expect(await waiting.ended).toEqual({ code: 0, stdout: 'at last\n', stderr: '' });
});

test('a lease is renewed for as long as the program runs', async () => {
  const cli = run('long', ['sh', '-c', 'sleep 2.5; echo done'], '--ttl', '1s');
  expect(await cli.ended).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
});

test.each([
  ['SIGKILL', 137],
  ['SIGSEGV', 139],
])('a program that %s ends is reported as a shell does', async (signal, expected) => {
  const { code, stderr } = await run('killed', ['sh', '-c', `kill -${signal.slice(3)} $$`]).ended;
  expect({ code, stderr }).toEqual({ code: expected, stderr: '' });
});

const COUNT = `
  const seen = [];
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1']) process.on(name, () => console.log(\`got \${seen.push(name)} \${name}\`));
  process.on('SIGUSR2', () => { console.log('all ' + seen.join(' ')); process.exit(9); });
  setInterval(() => {}, 1000);
  console.log('ready ' + process.ppid);
`;

test('passes every signal on, once', async () => {
  const cli = run('signals', [process.execPath, '-e', COUNT]);
  await cli.until(/ready/);
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const;
  for (const [index, name] of names.entries()) {
    cli.signal(name);
    await cli.until(new RegExp(`got ${index + 1} ${name}`));
  }
  cli.signal('SIGUSR2');
  const { code, stdout, stderr } = await cli.ended;
  expect({ code, stderr }).toEqual({ code: 9, stderr: '' });
  expect(stdout).toMatch(/all SIGINT SIGTERM SIGHUP SIGQUIT SIGUSR1\n$/);
});

test('what ends the program ends what it has started', async () => {
  const cli = run('family', ['sh', '-c', 'sleep 1000 & echo pid $!; wait; echo never']);
  const [, pid] = await cli.until(/pid (\d+)/);
  cli.signal('SIGTERM');
  expect((await cli.ended).code).toBe(143);
  expect(await isAlive(Number(pid))).toBe(false);
});

test('in a terminal, Ctrl-C reaches the program once', async () => {
  const quoted = [
    process.execPath,
    ...BIN,
    'run',
    '--lock',
    'terminal',
    '--',
    process.execPath,
    '-e',
    COUNT,
  ].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const cli = new Cli('script', ['-qec', `exec ${quoted.join(' ')}`, '/dev/null'], {
    ...env,
    SHELL: '/bin/sh',
  });
  const [, pid] = await cli.until(/ready (\d+)/);
  cli.type('\x03');
  await cli.until(/got 1 SIGINT/);
  process.kill(Number(pid), 'SIGTERM');
  await cli.until(/got 2 SIGTERM/);
  process.kill(Number(pid), 'SIGUSR2');
  const { code, stdout } = await cli.ended;
  expect(stdout).toMatch(/all SIGINT SIGTERM\r?\n/);
  expect(code).toBe(9);
});

test('a signal while it waits ends the waiting; nothing is run', async () => {
  const first = run('awaited', HOLD);
  await first.until(/ready/);
  const client = new Redis(nodes.urls[0] ?? '');
  const monitor = await client.monitor();
  const second = run('awaited', ['echo', 'never'], '--wait', '1h');
  // It waits as soon as a node has been asked by it.
  await new Promise<void>((resolve) => {
    monitor.on('monitor', (_, words: string[]) => {
      if (words.some((word) => word.includes(`:${second.pid}/`))) resolve();
    });
  });
  monitor.disconnect();
  client.disconnect();
  second.signal('SIGINT');
  expect(await second.ended).toEqual({ code: 130, stdout: '', stderr: '' });
});

test('a program that is not there, or is none, has the exit codes of a shell', async () => {
  const missing = await run('start', ['no-such-program']).ended;
  expect(missing).toEqual({
    code: 127,
    stdout: '',
    stderr: 'holdfast: no-such-program: command not found.\n',
  });
  const data = await run('start', ['/etc/passwd']).ended;
  expect(data.code).toBe(126);
  expect(data.stderr).toMatch(/^holdfast: \/etc\/passwd: cannot be executed/);
  expect(await isHeld('start')).toBe(false);
});
