/** `holdfast run` when the nodes fail: the program is stopped when its lease is lost, and not started without one. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { called } from './called.js';
import { type Cli, endAll, holdfast, isAlive } from './cli.js';

let nodes: LocalNodes;
let env: Record<string, string>;

beforeEach(async () => {
  nodes = await startNodes(3);
  env = { HOLDFAST_NODES: nodes.urls.join(','), HOLDFAST_TTL: '1500ms' };
  expect((await called(['init'], env)).code).toBe(0);
});
afterEach(async () => {
  await endAll();
  await nodes.stop();
});

function run(...words: readonly string[]): Cli {
  return holdfast(['run', '--lock', 'ledger', ...words], env);
}

function killMajority(): Promise<unknown> {
  return Promise.all(nodes.nodes.slice(0, 2).map((node) => node.kill()));
}

const LOST = /holdfast: The lease on "ledger" \(token \d+\) .* Stopping sh: SIGTERM now, SIGKILL in (.*)\./;

test('a program whose lease is lost is told to stop, and its own status gives way to that of the loss', async () => {
  const cli = run(
    '--',
    'sh',
    '-c',
    'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
  );
  await cli.until(/ready/);
  await killMajority();
  const { code, stdout, stderr } = await cli.ended;
  expect({ code, stdout }).toEqual({ code: 76, stdout: 'ready\ntold\n' });
  expect(LOST.exec(stderr)?.[1]).toBe('5s');
});

test('one that does not stop is killed after the grace period, and what it has started with it', async () => {
  const stubborn =
    'trap "echo told" TERM; (trap "" TERM; sleep 1000) & echo pids $$ $!; while :; do sleep 0.05; done';
  const cli = run('--grace', '300ms', '--', 'sh', '-c', stubborn);
  const [, program, child] = await cli.until(/pids (\d+) (\d+)/);
  await killMajority();
  await cli.until(/told/);
  const { code, stderr } = await cli.ended;
  expect(code).toBe(76);
  expect(LOST.exec(stderr)?.[1]).toBe('300ms');
  for (const pid of [program, child]) expect(await isAlive(Number(pid))).toBe(false);
});

test('what the program has started has the grace period too, when the program itself ends at once', async () => {
  const child =
    'trap "echo tidying; sleep 0.2; echo tidy; exit" TERM; echo ready; while :; do sleep 0.05; done';
  const cli = run('--', 'sh', '-c', `sh -c '${child}'; true`);
  await cli.until(/ready/);
  await killMajority();
  expect(await cli.ended).toMatchObject({ code: 76, stdout: 'ready\ntidying\ntidy\n' });
});

test('one node is not a majority: the program goes on', async () => {
  const cli = run('--', 'sh', '-c', 'echo ready; read line; echo "$line"');
  await cli.until(/ready/);
  await nodes.nodes[0]?.kill();
  // Longer than the lease could have lasted without a renewal: until its remaining time has risen again and again.
  await using locks = createLocks({ nodes: nodes.urls });
  let renewals = 0;
  let last = 0;
  const look = async (): Promise<number> => {
    const { remaining = 0 } = await locks.inspect('ledger');
    if (remaining > last) renewals += 1;
    last = remaining;
    return renewals;
  };
  await expect.poll(look, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(4);
  cli.type('done\n');
  expect(await cli.ended).toEqual({ code: 0, stdout: 'ready\ndone\n', stderr: '' });
});

test('without a majority nothing is run, and the message names the nodes', async () => {
  await killMajority();
  const { code, stdout, stderr } = await run('--wait', '0', '--', 'echo', 'never').ended;
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
  expect(stderr).toMatch(/^holdfast: Too few nodes could vote on "ledger"/);
  for (const node of nodes.nodes.slice(0, 2))
    expect(stderr).toContain(`127.0.0.1:${node.port}: not connected`);
});

test('holdfast that stood still for longer than the TTL stops the program as soon as it goes on', async () => {
  const cli = run(
    '--',
    'sh',
    '-c',
    'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
  );
  await cli.until(/ready/);
  cli.signal('SIGSTOP');
  const other = await holdfast(['run', '--lock', 'ledger', '--wait', '30s', '--', 'echo', 'mine'], env).ended;
  expect(other).toMatchObject({ code: 0, stdout: 'mine\n' });
  cli.signal('SIGCONT');
  expect(await cli.ended).toMatchObject({ code: 76, stdout: 'ready\ntold\n' });
});
