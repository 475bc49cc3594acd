/** `holdfast init` and `holdfast inspect` on real nodes. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type LockState } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { called } from './called.js';
import { type Ended, endAll, holdfast } from './cli.js';

let nodes: LocalNodes;
let addresses: readonly string[];

beforeEach(async () => {
  nodes = await startNodes(3);
  addresses = nodes.nodes.map(({ port }) => `127.0.0.1:${port}`);
});
afterEach(async () => {
  await endAll();
  await nodes.stop();
});

function call(...words: readonly string[]): Promise<Ended> {
  const env = { HOLDFAST_NODES: nodes.urls.join(',') };
  // What a program writes that `run` starts goes to the process.
  return words[0] === 'run' ? holdfast(words, env).ended : called(words, env);
}

/** A TTL that outlasts several calls on a busy machine, in ms. */
const LONG = 300_000;

function callLong(...words: readonly string[]): Promise<Ended> {
  return call(...words, '--max-ttl', `${LONG}ms`);
}

test('init lets fresh nodes vote, once, and says so of each', async () => {
  const first = await call('init');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const lines = first.stdout.trimEnd().split('\n');
  expect(lines).toEqual(addresses.map((address) => `${address}  initialized: votes from now on`));
  expect(await call('init', '--json')).toEqual({
    code: 0,
    stdout: `${JSON.stringify({ nodes: addresses.map((node) => ({ node, outcome: 'voting' })) })}\n`,
    stderr: '',
  });
});

test('init refuses other parameters unless it is told to replace them', async () => {
  await call('init');
  const refused = await call('init', '--max-ttl', '10s');
  expect(refused).toMatchObject({ code: 64, stdout: '' });
  expect(refused.stderr).toMatch(/maxTtl=30000.*maxTtl=10000/);
  expect((await call('init', '--max-ttl', '10s', '--replace')).code).toBe(0);
  expect(JSON.parse((await call('init', '--json')).stderr)).toMatchObject({ code: 'HOLDFAST_MISUSE' });
});

test('init needs a majority, and names who is missing', async () => {
  await nodes.nodes[0]?.kill();
  const { code, stdout } = await call('init');
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`${addresses[0]}  unreachable: .*\n${addresses[1]}  initialized`));
  await nodes.nodes[1]?.kill();
  const failed = await call('init');
  expect(failed).toMatchObject({ code: 69, stdout: '' });
  expect(failed.stderr).toContain(`${addresses[1]}: not connected`);
});

test('without init, run warns of the quarantine', async () => {
  const { code, stderr } = await call('run', '--lock', 'a', '--wait', '100ms', '--', 'true');
  expect(code).toBe(69);
  expect(stderr).toMatch(/^holdfast: warning: .*holdfast init/);
});

test('inspect shows a lease and its absence', async () => {
  await callLong('init');
  const free = await callLong('inspect', 'invoice:42');
  expect(free).toMatchObject({ code: 0, stderr: '' });
  expect(free.stdout).toMatch(/^resource {3}invoice:42\nlease {6}free\n/);
  await using locks = createLocks({ nodes: nodes.urls, maxTtl: LONG, identity: 'the accountant' });
  const lease = await locks.acquire('invoice:42', { ttl: LONG });
  const { code, stdout } = await callLong('inspect', 'invoice:42', '--json');
  expect(code).toBe(0);
  const state = JSON.parse(stdout) as LockState;
  expect(state).toMatchObject({ held: true, token: lease.token, owner: lease.owner, resource: 'invoice:42' });
  expect(state.nodes.map(({ node }) => node)).toEqual(addresses);
  const held = await callLong('inspect', 'invoice:42');
  expect(held.stdout).toMatch(/\nlease {6}held\ntoken {6}\d+\nowner {6}the accountant\//);
  for (const address of addresses) expect(held.stdout).toContain(`\n${address}  voting`);
  await lease.release();
});

test('inspect does not call free what may be held', async () => {
  await callLong('init');
  await using locks = createLocks({ nodes: nodes.urls, maxTtl: LONG });
  const lease = await locks.acquire('a', { ttl: LONG });
  const [first, second, third] = nodes.nodes;
  await third?.kill();
  const client = new Redis(second?.url ?? '');
  await client.del('{holdfast}:lock:a');
  client.disconnect();
  const doubtful = await callLong('inspect', 'a');
  expect(doubtful.code).toBe(0);
  expect(doubtful.stdout).toContain(
    `perhaps held by ${lease.owner} (token ${lease.token}): 1 of 3 nodes say so`,
  );
  await first?.kill();
  const unknown = await callLong('inspect', 'a', '--json');
  expect(unknown.code).toBe(69);
  expect(JSON.parse(unknown.stdout)).toMatchObject({ resource: 'a' });
  expect(JSON.parse(unknown.stderr)).toMatchObject({ code: 'HOLDFAST_UNAVAILABLE' });
});

test('a password never appears, whatever fails', async () => {
  const password = 'hunter2';
  const secret = (url: string): string => url.replace('//', `//:${password}@`);
  const [first, ...rest] = nodes.nodes;
  for (const node of rest) {
    const client = new Redis(node.url);
    await client.config('SET', 'requirepass', password);
    client.disconnect();
  }
  await first?.kill();
  const right = { HOLDFAST_NODES: nodes.urls.map(secret).join(',') };
  const wrong = {
    HOLDFAST_NODES: nodes.urls.map((url) => secret(url).replace('hunter2@', 'hunter2x@')).join(','),
  };
  for (const words of [['init'], ['inspect', 'a'], ['run', '--lock', 'a', '--wait', '0', '--', 'true']]) {
    const good = await called(words, right);
    expect(good.code).toBe(0);
    const bad = await called(words, wrong);
    expect(bad.code).toBe(69);
    expect(good.stdout + good.stderr + bad.stdout + bad.stderr).not.toContain(password);
  }
});

test('nodes adds and removes a node in two steps, and refuses what is not safe', async () => {
  const more = await startNodes(1);
  try {
    const [fourth = ''] = more.urls;
    await call('init');
    const four = { HOLDFAST_NODES: [...nodes.urls, fourth].join(',') };
    const added = await call('nodes', 'add', fourth);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toMatch(/accepted with 3 and with 4 nodes.*holdfast nodes commit\n$/);
    const another = await call('nodes', 'remove', nodes.urls[0] ?? '');
    expect(another).toMatchObject({ code: 64, stdout: '' });
    expect(another.stderr).toMatch(/Another change has not ended/);
    const committed = await called(['nodes', 'commit', '--json'], four);
    expect(JSON.parse(committed.stdout)).toMatchObject({ state: 'committed', nodes: 4 });
    expect((await call('run', '--lock', 'a', '--', 'true')).code).toBe(64);
    await nodes.nodes[0]?.kill();
    const remove = ['nodes', 'remove', nodes.urls[0] ?? ''];
    expect((await called(remove, four)).code).toBe(69);
    expect((await called([...remove, '--gone'], four)).stdout).toMatch(/with 4 and with 3 nodes/);
    const three = { HOLDFAST_NODES: [...nodes.urls.slice(1), fourth].join(',') };
    expect((await called(['nodes', 'commit'], three)).code).toBe(0);
  } finally {
    await more.stop();
  }
});

test('nodes status says when a node may be restarted', async () => {
  const early = await call('nodes', 'status');
  expect(early).toMatchObject({
    code: 75,
    stdout: expect.stringMatching(/\n\n.*If they are new.*holdfast init/),
  });
  await call('init');
  await vi.waitFor(async () => expect((await call('nodes', 'status')).code).toBe(0), 10_000);
  const well = await call('nodes', 'status');
  expect(well.stdout).toBe(
    `${addresses.map((address) => `${address}  voting`).join('\n')}\n\nA node may be restarted now.\n`,
  );
  await nodes.nodes[0]?.restart({ empty: true });
  const waiting = await call('nodes', 'status');
  expect(waiting.code).toBe(75);
  expect(waiting.stdout).toMatch(/quarantined.*\n\nThe next node may be restarted in \d+\.?\d*s, if/s);
  await nodes.nodes[1]?.kill();
  const away = await call('nodes', 'status', '--json');
  expect(away.code).toBe(75);
  expect(JSON.parse(away.stdout).restartIn).toBeUndefined();
  expect((await call('doctor')).stdout).toContain('No node may be restarted now');
});
