/**
 * `holdfast doctor` on real nodes, each of which has something wrong with it.
 *
 * A machine's clock cannot be set here, so findings about clocks, and about versions that are not installed, are made
 * from facts that were collected from real nodes and then altered; `judge` is pure.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@holdfast/kernel';
import { type LocalNode, type LocalNodes, type StartOptions, startNodes } from '@holdfast/local';
import { createLocks, Deployment, type DeploymentOptions } from '@holdfast/lock';
import {
  collect,
  type Diagnosis,
  type Facts,
  type Finding,
  judge,
  type NodeFacts,
  rightsFor,
  type Severity,
} from '@holdfast/lock/doctor';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { called } from './called.js';
import type { Ended } from './cli.js';

let groups: LocalNodes[] = [];
let proxies: Server[] = [];
afterEach(async () => {
  for (const proxy of proxies) proxy.close();
  await Promise.all(groups.map((group) => group.stop()));
  [groups, proxies] = [[], []];
});

/** Nodes of a deployment that can vote. */
async function deploy(
  count: number,
  options: DeploymentOptions = {},
  starting: StartOptions = {},
): Promise<LocalNodes> {
  const group = await start(count, starting);
  await using locks = createLocks({ nodes: group.urls, allowEven: true, ...options });
  await locks.initialize();
  return group;
}

async function start(count: number, options: StartOptions = {}): Promise<LocalNodes> {
  const group = await startNodes(count, options);
  groups.push(group);
  return group;
}

const QUICK_SYNC: StartOptions = { args: ['--repl-diskless-sync-delay', '0'] };

/** How many nodes really grant a lease. */
async function votes(urls: readonly string[], options: DeploymentOptions = {}): Promise<number> {
  await using locks = createLocks({ nodes: urls, onWarning: () => {}, ...options });
  const lease = await locks.acquire('a', { wait: 0, ttl: 10_000 });
  // On each connection the question comes behind the proposal, so a late vote is seen, too.
  const { nodes } = await locks.inspect('a');
  await lease.release();
  return nodes.filter(({ token }) => token === lease.token).length;
}

/** One command to one node. */
async function send(
  node: LocalNode | undefined,
  ...[command = '', ...words]: readonly string[]
): Promise<unknown> {
  const client = new Redis(node?.url ?? '', { enableReadyCheck: false });
  client.on('error', () => {}); // the call says the same
  try {
    return await client.call(command, ...words);
  } finally {
    client.disconnect();
  }
}

function facts(urls: readonly string[], options: DeploymentOptions = {}, allowEven = false): Promise<Facts> {
  const deployment = new Deployment(urls.length, options);
  return collect({ addresses: urls, deployment, callTimeout: 1_000, clock: systemClock, allowEven });
}

async function diagnose(urls: readonly string[], options: DeploymentOptions = {}): Promise<Diagnosis> {
  return judge(await facts(urls, options));
}

const doctor = (urls: readonly string[], ...words: readonly string[]): Promise<Ended> =>
  called(['doctor', ...words], { HOLDFAST_NODES: urls.join(',') });

const nameOf = (url: string | undefined): string => (url ?? '').replace(/^redis:\/\/(.*@)?/, '');

/** Findings that are not usual for nodes of a test: on one machine, which may be busy, without persistence. */
const unusual = ({ findings }: Diagnosis): readonly Finding[] =>
  findings.filter(
    ({ check, severity }) =>
      check !== 'latency' && (severity !== 'note' || !/same-host|persistence/.test(check)),
  );

/** How severe the findings on the latency of this node are. */
const latencyOf = ({ findings }: Diagnosis, url: string): readonly Severity[] =>
  findings
    .filter((found) => found.check === 'latency' && found.node === nameOf(url))
    .map((found) => found.severity);

/** "error reach": severities and checks, in order. */
const words = (diagnosis: Diagnosis): readonly string[] =>
  unusual(diagnosis).map(({ severity, check }) => `${severity} ${check}`);

describe('a deployment that is well', () => {
  test('has only notes, and exits with 0, also when strict', async () => {
    const { urls } = await deploy(3);
    const { code, stdout, stderr } = await doctor(urls, '--strict');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^note: persistence: 127.0.0.1:\d+, 127.0.0.1:\d+, 127.0.0.1:\d+\n/);
    expect(stdout).toContain('\n\nnote: same-host: the deployment\n');
    expect(stdout).toMatch(
      /\n\n3 of 3 nodes can vote now; 2 are needed, so 1 more may fail\.\n(A|The next) node may be restarted .*\n$/,
    );
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('is told as JSON: facts, findings, summary', async () => {
    const { urls } = await deploy(3);
    const { code, stdout, stderr } = await doctor(urls, '--json');
    expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', lines: 2 });
    const told = JSON.parse(stdout) as Diagnosis & { facts: Facts };
    expect(Object.keys(told)).toEqual(['facts', 'findings', 'summary']);
    expect(told.summary).toEqual({
      nodes: 3,
      voting: 3,
      quorum: 2,
      spare: 1,
      restartIn: expect.any(Number),
      errors: 0,
      warnings: 0,
      notes: told.findings.length,
    });
    // A busy machine may be slow to answer.
    expect(told.findings.filter(({ check }) => check !== 'latency')).toHaveLength(4);
    expect(told.facts.nodes.map(({ node }) => node)).toEqual(urls.map(nameOf));
    for (const { latency, clock, record, functions, rights, server } of told.facts.nodes) {
      expect(latency).toHaveLength(5);
      expect(Math.abs(clock?.ahead ?? 1e9)).toBeLessThan(1_000);
      expect(record).toMatchObject({ parameters: told.facts.deployment.parameters });
      expect({ functions, rights }).toEqual({
        functions: true,
        rights: { user: 'default', complete: true, missing: [] },
      });
      expect(server?.runId).toMatch(/^[0-9a-f]{40}$/);
    }
    for (const { severity, message, advice } of told.findings) {
      expect(severity).toBe('note');
      expect(message.length * advice.length).toBeGreaterThan(0);
    }
  });

  test('is left as it was', async () => {
    const group = await deploy(3, {}, { args: ['--enable-debug-command', 'yes'] });
    await using locks = createLocks({ nodes: group.urls });
    await locks.acquire('invoice:42', { ttl: 30_000 });
    for (const node of group) await send(node, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...RULE);
    const before = await Promise.all(group.nodes.map(state));
    const named = group.urls.map((url) => url.replace('//', '//app:secret@'));
    expect((await doctor(group.urls)).code).toBe(0);
    expect((await doctor(named)).code).toBe(0);
    expect(await Promise.all(group.nodes.map(state))).toEqual(before);
  });
});

/** All that the doctor could have changed, from the data to how often a command that writes was called. */
async function state(node: LocalNode): Promise<object> {
  const info = async (section: string, pattern: RegExp): Promise<readonly string[]> =>
    String(await send(node, 'INFO', section)).match(pattern) ?? [];
  const writing = new Set((await send(node, 'ACL', 'CAT', 'write')) as string[]);
  const stats = await info('commandstats', /^cmdstat_[^:]+:calls=\d+/gm);
  const keys = ((await send(node, 'KEYS', '*')) as string[]).sort();
  return {
    keys,
    digest: await send(node, 'DEBUG', 'DIGEST'),
    expiries: await Promise.all(keys.map((key) => send(node, 'PEXPIRETIME', key))),
    written: stats.filter((line) => writing.has(line.replace(/^cmdstat_([^:]+):.*/, '$1'))),
    scripts: await info('memory', /^number_of_(cached_scripts|functions|libraries):\d+/gm),
    config: await send(node, 'CONFIG', 'GET', '*'),
    users: await send(node, 'ACL', 'LIST'),
    functions: await send(node, 'FUNCTION', 'LIST', 'WITHCODE'),
  };
}

describe('a node that gives no answer', () => {
  test('is an error as long as a majority can vote, and unavailability beyond', async () => {
    const { nodes, urls } = await deploy(3);
    await nodes[0]?.kill();
    const one = await doctor(urls);
    expect(one).toMatchObject({ code: 1, stderr: 'holdfast: errors were found.\n' });
    expect(one.stdout).toMatch(
      /^error: reach: 127.0.0.1:\d+\n {2}It cannot be reached: connect ECONNREFUSED/,
    );
    expect(one.stdout).toContain(
      '2 of 3 nodes can vote now; 2 are needed, so no more may fail.\nNo node may be restarted now:',
    );
    nodes[1]?.freeze();
    const two = await doctor(urls, '--json', '--call-timeout', '1s');
    expect(two.code).toBe(69);
    expect(JSON.parse(two.stderr)).toMatchObject({ code: 'HOLDFAST_UNAVAILABLE' });
    const told = JSON.parse(two.stdout) as Diagnosis;
    expect(words(told)).toEqual(['error majority', 'error reach', 'error reach']);
    expect(told.findings.map(({ message }) => message).join()).toMatch(
      /does not answer: no answer within 2500 ms/,
    );
    expect(told.summary).toMatchObject({ voting: 1, spare: 0 });
  });

  test('is told from one that refuses the login, and passwords are not shown', async () => {
    const { nodes, urls } = await deploy(3);
    await send(nodes[0], 'CONFIG', 'SET', 'requirepass', 'hunter2');
    const [first = '', ...rest] = urls;
    for (const url of [
      first,
      first.replace('//', '//:hunter2x@'),
      first.replace('//', '//nobody:hunter2@'),
    ]) {
      const { code, stdout, stderr } = await doctor([url, ...rest]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^error: reach: 127.0.0.1:\d+\n {2}It refuses the login: (NOAUTH|WRONGPASS)/);
      expect(stdout + stderr).not.toContain('hunter2');
    }
    const right = await doctor([first.replace('//', '//:hunter2@'), ...rest], '--json');
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(right.stdout).not.toContain('hunter2');
  });

  test('is told from one that is loading its data', async () => {
    // 30,000 keys at a tenth of a millisecond and more are some seconds.
    const slowly = ['--key-load-delay', '100', '--loading-process-events-interval-bytes', '1024'];
    const args = ['--enable-debug-command', 'yes', ...slowly];
    const { nodes, urls } = await deploy(3, {}, { args, readyTimeout: 50_000 });
    await send(nodes[0], 'DEBUG', 'POPULATE', '30000');
    await send(nodes[0], 'SAVE');
    await nodes[0]?.kill();
    const starting = nodes[0]?.start();
    await vi.waitFor(() => expect(send(nodes[0], 'PING')).rejects.toThrow('LOADING'), 20_000);
    const found = await diagnose(urls);
    await starting;
    expect(words(found)).toEqual(['error reach']);
    expect(found.findings[0]?.message).toMatch(/is loading its data .* about \d+ s are left/);
  });

  test('is told from one that is busy with a script', async () => {
    const { nodes, urls } = await deploy(3, {}, { args: ['--busy-reply-threshold', '1'] });
    const client = new Redis(urls[0] ?? '');
    client.on('error', () => {});
    const endless = client.eval('while true do end', 0).catch(() => {});
    await vi.waitFor(() => expect(send(nodes[0], 'PING')).rejects.toThrow('BUSY'), 20_000);
    const found = await diagnose(urls);
    expect(words(found)).toEqual(['error reach']);
    expect(found.findings[0]?.message).toMatch(/busy with a script/);
    await send(nodes[0], 'SCRIPT', 'KILL');
    await endless;
    client.disconnect();
  });
});

describe('a setting that hurts', () => {
  const used = async (node: LocalNode | undefined, part: number): Promise<string> => {
    await send(node, 'SETRANGE', 'pad', '20000000', 'x'); // beside which a lease is nothing
    const info = String(await send(node, 'INFO', 'memory'));
    return String(Math.round(Number(/^used_memory:(\d+)/m.exec(info)?.[1]) / part));
  };

  test.each<[string, string, RegExp, (node: LocalNode | undefined) => Promise<string[]>]>([
    [
      'eviction',
      'error eviction',
      /allkeys-lru.*drops keys/,
      async () => ['maxmemory-policy', 'allkeys-lru', 'maxmemory', '1gb'],
    ],
    [
      'eviction without a limit',
      'note eviction',
      /volatile-ttl/,
      async () => ['maxmemory-policy', 'volatile-ttl'],
    ],
    ['little memory', 'warning memory', /uses 9\d %/, async (node) => ['maxmemory', await used(node, 0.93)]],
    ['no memory', 'error memory', /refuses all writes/, async (node) => ['maxmemory', await used(node, 1.5)]],
    [
      'too few replicas to write',
      'error writes',
      /min-replicas-to-write is 1, and 0/,
      async () => ['min-replicas-to-write', '1'],
    ],
  ])('%s', async (_, expected, message, settings) => {
    const { nodes, urls } = await deploy(3);
    await send(nodes[1], 'CONFIG', 'SET', ...(await settings(nodes[1])));
    const found = await diagnose(urls);
    expect(words(found)).toEqual([expected]);
    const [finding] = unusual(found);
    expect(finding?.node).toBe(nameOf(urls[1]));
    expect(finding?.message).toMatch(message);
    expect(found.summary.voting).toBe(await votes(urls));
  });

  test('few connections', async () => {
    const { nodes, urls } = await deploy(3);
    await send(nodes[0], 'CONFIG', 'SET', 'maxclients', '8');
    const held = Array.from({ length: 6 }, () => new Redis(urls[0] ?? '', { lazyConnect: true }));
    await Promise.all(held.map((client) => client.connect()));
    const found = await diagnose(urls);
    for (const client of held) client.disconnect();
    expect(words(found)).toEqual(['warning clients']);
    expect(found.findings[0]?.message).toMatch(/^It has [78] of at most 8 connections/);
  });

  test('a snapshot that failed stops all writes', async () => {
    const { nodes, urls } = await deploy(3);
    await send(nodes[0], 'CONFIG', 'SET', 'save', '3600 1');
    // A folder stands where the file should be.
    mkdirSync(join(nodes[0]?.folder ?? '', 'dump.rdb', 'full'), { recursive: true });
    await send(nodes[0], 'BGSAVE');
    await vi.waitFor(
      async () =>
        expect(String(await send(nodes[0], 'INFO', 'persistence'))).toContain('rdb_last_bgsave_status:err'),
      20_000,
    );
    await expect(send(nodes[0], 'SET', 'a', 'b')).rejects.toThrow('MISCONF');
    expect(words(await diagnose(urls))).toEqual(['error writes']);
  });

  test('persistence that was promised and is not there; where nothing is, what that costs', async () => {
    const always = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] };
    const { nodes, urls } = await deploy(3, { persistence: 'synchronous' }, always);
    expect(words(await diagnose(urls, { persistence: 'synchronous' }))).toEqual([]);
    await send(nodes[1], 'ACL', 'SETUSER', 'app', 'on', '>secret', ...RULE);
    const modest = urls.map((url, index) => (index === 1 ? url.replace('//', '//app:secret@') : url));
    const partly = (await diagnose(modest, { persistence: 'synchronous' })).findings;
    expect(partly.find(({ check }) => check === 'persistence')).toMatchObject({
      severity: 'note',
      message: expect.stringContaining('may not ask for CONFIG GET'),
    });
    await send(nodes[2], 'CONFIG', 'SET', 'appendfsync', 'everysec');
    const broken = await diagnose(urls, { persistence: 'synchronous' });
    expect(words(broken)).toEqual(['error persistence']);
    expect(broken.findings[0]).toMatchObject({ node: nameOf(urls[2]) });
    // After a crash, such a node votes at once.
    await nodes[1]?.restart();
    const restarted = await diagnose(urls, { persistence: 'synchronous' });
    expect([restarted.summary.voting, await votes(urls, { persistence: 'synchronous' })]).toEqual([3, 3]);
    const single = await deploy(1);
    const alone = await doctor(single.urls);
    expect(alone.code).toBe(0);
    expect(alone.stdout).toMatch(/^warning: persistence:.*votes on nothing for\s30s.*nobody/s);
    expect(alone.stdout).toMatch(/note: nodes: the deployment\n {2}There is one node/);
    expect(await doctor(single.urls, '--strict')).toMatchObject({
      code: 1,
      stderr: 'holdfast: warnings were found.\n',
    });
  });

  test('a command that took long', async () => {
    const { nodes, urls } = await deploy(3, {}, { args: ['--enable-debug-command', 'yes'] });
    await send(nodes[0], 'DEBUG', 'SLEEP', '0.6');
    const found = await diagnose(urls);
    expect(words(found)).toEqual(['warning slow']);
    expect(found.findings[0]?.message).toMatch(/^DEBUG took it 0?\.?6\d*ms, /);
  });

  test('functions that were taken away, and versions that are too old', async () => {
    const group = await deploy(3, {}, { args: ['--rename-command', 'FCALL', ''] });
    const found = await diagnose(group.urls);
    expect(words(found)).toEqual(['warning version', 'warning version', 'warning version']);
    const real = await facts(group.urls);
    const runs = (version: string) =>
      words(
        judge(
          altered(real, 0, ({ server }) => ({ functions: true, server: server && { ...server, version } })),
        ),
      );
    expect(runs('6.0.16')).toContain('error version');
    expect(runs('6.2.0')).not.toContain('error version');
    expect(runs('7.0.0')).toHaveLength(2);
  });
});

/** The same facts, but for one node. */
function altered(real: Facts, index: number, change: (node: NodeFacts) => Partial<NodeFacts>): Facts {
  return {
    ...real,
    nodes: real.nodes.map((node, at) => (at === index ? { ...node, ...change(node) } : node)),
  };
}

describe('a list of nodes that hurts', () => {
  test('the same server twice is refused by every client', async () => {
    const { urls } = await deploy(3);
    const [first = '', second = ''] = urls;
    const twice = [first, second, first.replace('127.0.0.1', 'localhost')];
    const found = await diagnose(twice);
    expect(words(found)).toEqual(['error majority', 'error same-server']);
    expect(unusual(found)[1]?.message).toContain(`${nameOf(first)} and localhost:`);
    await using locks = createLocks({ nodes: twice });
    await expect(locks.acquire('a', { wait: 0 })).rejects.toThrow('the same Redis server');
  });

  test('an even number tolerates no more than one less', async () => {
    const { urls } = await deploy(4);
    const found = await diagnose(urls);
    expect(words(found)).toEqual(['warning nodes']);
    expect(found.findings[0]?.message).toContain('1 may fail, no more than of 3 nodes');
    expect(found.summary).toMatchObject({ voting: 4, quorum: 3, spare: 1 });
    expect(words(judge(await facts(urls, {}, true)))).toEqual(['note nodes']);
  });

  /** Makes one server follow another. */
  async function follow(replica: LocalNode | undefined, master: LocalNode | undefined): Promise<void> {
    await send(replica, 'REPLICAOF', '127.0.0.1', String(master?.port));
    const linked = async (): Promise<void> =>
      expect(String(await send(replica, 'INFO', 'replication'))).toContain('master_link_status:up');
    await vi.waitFor(linked, 10_000);
  }

  test('a replica cannot vote; and its master votes no more, when it is the first', async () => {
    const [{ nodes, urls }, others] = [await deploy(3), await start(1, QUICK_SYNC)];
    await follow(nodes[2], others.nodes[0]);
    const found = await diagnose(urls);
    expect(words(found)).toEqual(['error role']);
    expect(found.findings[0]?.message).toContain(`a replica of ${nameOf(others.urls[0])}`);
    expect([found.summary.voting, await votes(urls)]).toEqual([2, 2]);
    const voting = await deploy(3, {}, QUICK_SYNC);
    await follow(others.nodes[0], voting.nodes[0]);
    const changed = await diagnose(voting.urls);
    const quarantined = changed.findings.filter(({ check }) => check === 'quarantine');
    expect(quarantined.map(({ message }) => message)).toEqual([
      expect.stringMatching(/first replica has joined/),
    ]);
    expect([changed.summary.voting, await votes(voting.urls)]).toEqual([2, 2]);
  });

  test('a member of a cluster is none that stands alone', async () => {
    const member = await start(1, { args: ['--cluster-enabled', 'yes'] });
    const apart = await diagnose(member.urls);
    expect(words(apart)).toContain('error cluster');
    expect(apart.summary.voting).toBe(0);
    await send(member.nodes[0], 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    const whole = async (): Promise<void> =>
      expect(String(await send(member.nodes[0], 'CLUSTER', 'INFO'))).toContain('cluster_state:ok');
    await vi.waitFor(whole, 10_000);
    const named = member.urls.map((url) => url.replace('redis:', 'redis-cluster:'));
    await using locks = createLocks({ nodes: named });
    await locks.initialize();
    const found = await diagnose(named);
    expect(words(found)).toEqual(['warning replicas']);
    expect([found.summary.voting, await votes(named)]).toEqual([1, 1]);
    expect(words(await diagnose(member.urls))).toContain('warning cluster');
  });

  test('a master that fails over wants replicas to vouch for it', async () => {
    const data = await deploy(1, { replicas: 0 });
    const [master] = data.nodes;
    const config = `sentinel monitor main 127.0.0.1 ${master?.port} 1\n`;
    const sentinels = await start(1, { args: ['--sentinel'], config });
    const url = `redis-sentinel://127.0.0.1:${sentinels.nodes[0]?.port}?master=main`;
    const found = await diagnose([url]);
    expect(words(found)).toEqual(['warning replicas']);
    const checks = found.findings.map(({ check }) => check).filter((check) => check !== 'latency');
    expect(checks).toEqual(['replicas', 'persistence']);
    expect(found.summary).toMatchObject({ nodes: 1, voting: 1 });
  });

  test('a node whose replicas are gone does not vote', async () => {
    const { urls } = await deploy(3, { replicas: 1 });
    const found = await diagnose(urls, { replicas: 1 });
    expect(words(found)).toEqual(['error majority', 'error replicas', 'error replicas', 'error replicas']);
    expect(found.findings[1]?.message).toMatch(/isolated: 0 of its replicas/);
  });
});

describe('a deployment record', () => {
  test('that nobody has means a new deployment, or a wiped one', async () => {
    const { urls } = await start(3);
    const fresh = await doctor(urls);
    expect(fresh.code).toBe(69);
    expect(fresh.stdout).toMatch(
      /warning: record: .*it is new, or has forgotten\s+everything.*"holdfast\s+init"/s,
    );
  });

  test('that one node lacks means a quarantine, of which the doctor knows the end', async () => {
    const { nodes, urls } = await deploy(3, {});
    await nodes[1]?.restart({ empty: true });
    const before = await diagnose(urls);
    expect(words(before)).toEqual(['warning record']);
    expect(before.findings[0]).toMatchObject({
      node: nameOf(urls[1]),
      advice: expect.stringMatching(/Do not run/),
    });
    expect(before.summary.voting).toBe(2);
    await using locks = createLocks({ nodes: urls });
    await locks.acquire('a');
    await vi.waitFor(async () => expect(await send(nodes[1], 'EXISTS', '{holdfast}:record')).toBe(1), 20_000);
    const after = await doctor(urls);
    expect(after.code).toBe(0);
    expect(after.stdout).toMatch(/^warning: quarantine: .*in quarantine for another (2\d(\.\d)?|30)s/s);
  });

  test('of a server that has restarted with its data', async () => {
    const { nodes, urls } = await deploy(3, {}, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await nodes[1]?.restart();
    const found = await diagnose(urls);
    expect(words(found)).toEqual(['warning quarantine']);
    expect(found.findings[0]?.message).toMatch(/has restarted/);
    expect([found.summary.voting, await votes(urls)]).toEqual([2, 2]);
  });

  test('of a number of nodes that changes, and of a node that was removed', async () => {
    const { urls } = await deploy(3);
    const more = await start(1);
    const four = [...urls, more.urls[0] ?? ''];
    await using three = createLocks({ nodes: urls });
    await three.addNode(more.urls[0] ?? '');
    const findings = (await diagnose(urls)).findings.filter(({ check }) => check === 'record');
    expect(findings.map(({ severity }) => severity)).toEqual(['note', 'note', 'note']);
    expect(findings[0]?.message).toMatch(/accepts clients with 3 and with 4 nodes/);
    const both = await diagnose(four);
    expect(both.findings.filter(({ check, severity }) => check === 'record' && severity === 'error')).toEqual(
      [],
    );
    await using now = createLocks({ nodes: four, allowEven: true });
    await now.commitNodes();
    await now.removeNode(`127.0.0.1:${more.nodes[0]?.port}`);
    const after = await diagnose(four);
    expect(
      after.findings.find(({ check, severity }) => check === 'record' && severity === 'error'),
    ).toMatchObject({
      message: expect.stringMatching(/was removed.*votes for nobody/),
      stopsVotes: true,
    });
  });

  test('that differs from what the client says, or from the others', async () => {
    const { nodes, urls } = await deploy(3, { maxTtl: 10_000 });
    const differs = await doctor(urls, '--window', '2s');
    expect(differs.code).toBe(69);
    expect(differs.stdout.replace(/\s+/g, ' ')).toMatch(
      /maxTtl is 10000 there, and 30000 here; window is 5000 there, and 2000 here.*say --max-ttl 10000 --window 5000/,
    );
    expect(words(await diagnose(urls, { maxTtl: 10_000 }))).toEqual([]);
    const fewer = await diagnose(urls.slice(0, 1), { maxTtl: 10_000 });
    expect(unusual(fewer)[1]?.message).toContain('nodes is 3 there, and 1 here');
    await using other = createLocks({ nodes: urls.slice(0, 1), maxTtl: 10_000 });
    await other.initialize({ replace: true });
    const mixed = await diagnose(urls, { maxTtl: 10_000 });
    expect(words(mixed)).toEqual(['error record', 'error record']);
    expect(mixed.findings[1]?.message).toMatch(/contradict each other.*nodes=1.*nodes=3/);
    expect([mixed.summary.voting, await votes(urls, { maxTtl: 10_000 })]).toEqual([2, 2]);
    await send(nodes[0], 'SET', '{holdfast}:record', 'x', 'GET').catch(() => {});
    expect(words(await diagnose(urls, { maxTtl: 10_000 }))).toEqual(['error record', 'error record']);
  });
});

/** The rule that the README of @holdfast/lock tells users to set, without its name and password. */
const RULE = (
  /^ACL SETUSER holdfast on >password (.*)$/m.exec(
    readFileSync(new URL('../../lock/README.md', import.meta.url), 'utf8'),
  )?.[1] ?? ''
).split(' ');

describe('the rights of a user', () => {
  const ASK = ['+acl|whoami', '+acl|dryrun'];

  async function withRule(...rule: readonly string[]): Promise<Diagnosis> {
    const { nodes, urls } = await deploy(1);
    await send(nodes[0], 'ACL', 'SETUSER', 'app', 'on', '>secret', ...rule);
    const found = await diagnose(urls.map((url) => url.replace('//', '//app:secret@')));
    return {
      ...found,
      findings: found.findings.filter(({ check }) => check === 'rights' || check === 'majority'),
    };
  }

  test('are those of the rule in the README, to the last', async () => {
    const names = rightsFor('k', 'c').map(({ name }) => `+${name}`);
    expect([...names].sort()).toEqual(RULE.filter((word) => word.startsWith('+')).sort());
    expect(words(await withRule(...RULE, ...ASK))).toEqual([]);
  });

  test('are named where they lack, whether they may be rehearsed or must be tried', async () => {
    const rehearsed = await withRule(...RULE, ...ASK, '-hset');
    expect(words(rehearsed)).toEqual(['error majority', 'error rights']);
    expect(rehearsed.findings[1]?.message).toContain('"app" lacks rights: +hset. So the node cannot vote.');
    expect(rehearsed.findings[1]?.advice).toBe('ACL SETUSER app +hset');
    const tried = await withRule(...RULE, '-zcard', '-hset');
    expect(words(tried)).toEqual(['error rights']);
    expect(tried.findings[0]?.message).toContain('lacks rights: +zcard. So releasing, waiting, inspecting');
    expect(words(await withRule(...RULE))).toEqual(['note rights']);
  });

  test('to keys and channels are told from those to commands', async () => {
    const elsewhere = ['resetkeys', 'resetchannels', '~{other}:*', '&{other}:*'];
    const found = await withRule(...RULE, ...ASK, ...elsewhere);
    expect(found.findings[1]?.message).toContain('lacks rights: ~{holdfast}:* &{holdfast}:*.');
    const slower = await withRule(...RULE, ...ASK, 'resetchannels', '-fcall');
    expect(words(slower)).toEqual(['warning rights']);
    expect(slower.findings[0]?.message).toMatch(/votes run as scripts.*; waiters are not notified/);
    expect(slower.summary.voting).toBe(1);
  });

  test('as the doctor sees them agree with what the nodes let a user do', async () => {
    const { nodes, urls } = await deploy(1);
    const named = urls.map((url) => url.replace('//', '//app:secret@'));
    const without = async (right: string): Promise<Diagnosis> => {
      const rule = [...RULE, ...ASK, right.replace('+', '-')];
      await send(nodes[0], 'ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rule);
      return diagnose(named);
    };
    for (const right of ['+info', '+time', '+hmget', '+mget', '+set']) {
      expect((await without(right)).summary.voting).toBe(0);
      await expect(votes(named)).rejects.toThrow(/permission|can't run this command/);
    }
    for (const right of [
      '+fcall',
      '+function|load',
      '+publish',
      '+zadd',
      '+zpopmin',
      '+eval',
      '+script|load',
    ]) {
      const { findings, summary } = await without(right);
      expect(findings[0]).toMatchObject({ check: 'rights', message: expect.stringContaining(right) });
      expect([summary.voting, await votes(named)]).toEqual([1, 1]);
    }
  });
});

describe('clocks and distances', () => {
  /** Facts of real nodes, with clocks that are so many ms ahead. */
  async function clocks(...ahead: readonly number[]): Promise<Diagnosis> {
    const { urls } = await deploy(ahead.length);
    let real = await facts(urls);
    ahead.forEach((by, index) => {
      real = altered(real, index, ({ clock }) => ({ clock: clock && { ...clock, ahead: clock.ahead + by } }));
    });
    return judge(real);
  }

  test('a node beyond the window refuses tokens, one near it will', async () => {
    expect(words(await clocks(0, 100, 2_000))).toEqual([]);
    expect(words(await clocks(0, 0, -3_000))).toEqual(['warning clock']);
    const far = await clocks(0, 6_000, 0);
    expect(words(far)).toEqual(['error clock']);
    expect(far.findings[0]?.message).toMatch(/^Its clock is 6s ahead of those of the other nodes/);
    expect(far.summary.voting).toBe(2);
  });

  test('two nodes may be too far from each other, and a client from all', async () => {
    const spread = await clocks(-2_500, 0, 2_600);
    expect(words(spread)).toEqual(['error clock', 'warning clock']);
    expect(spread.findings[0]?.message).toMatch(/is 5\.1s ahead of that of/);
    expect(spread.summary.voting).toBe(3);
    const own = await clocks(60_000, 60_000, 60_000);
    expect(words(own)).toEqual(['warning clock']);
    expect(own.findings[0]?.message).toMatch(/^The clock of this machine is (60s|1m) behind/);
    expect(own.findings[0]?.node).toBeUndefined();
  });

  /** A way to a node that takes so many ms more, in each direction. */
  async function detour(url: string, delay: number): Promise<string> {
    const slowly = (from: Socket, to: Socket): void => {
      from.on('data', (data) => setTimeout(() => to.write(data), delay));
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    };
    const proxy = createServer((near) => {
      const far = connectTo(Number(new URL(url).port), '127.0.0.1');
      slowly(near, far);
      slowly(far, near);
    });
    proxies.push(proxy);
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    return `redis://127.0.0.1:${(proxy.address() as { port: number }).port}`;
  }

  test('a node that is slow beside the others, or near the timeout', async () => {
    const { urls } = await deploy(3);
    const [first = '', ...rest] = urls;
    const far = await detour(first, 40);
    const known = await facts([far, ...rest]);
    expect(latencyOf(judge(known), far)).toEqual(['note']);
    const [slow, ...others] = known.nodes as [NodeFacts, ...NodeFacts[]];
    const near = judge({ ...known, nodes: [{ ...slow, latency: [520] }, ...others] });
    expect(latencyOf(near, far)).toEqual(['warning']);
    expect(near.findings[0]?.message).toMatch(/takes 1s counts as away/);
  });

  test('a majority that is far away', async () => {
    const { urls } = await deploy(3);
    const known = await facts(urls);
    const findingAt = (...trips: readonly number[]) => {
      const nodes = known.nodes.map((each, index) => ({ ...each, latency: [trips[index] ?? 0] }));
      return judge({ ...known, nodes }).findings.find(({ check, node }) => check === 'latency' && !node);
    };
    expect(findingAt(1, 2, 80)).toBeUndefined();
    const far = findingAt(1, 50, 80);
    expect(far).toMatchObject({
      severity: 'note',
      advice: expect.stringMatching(/TTL of 1s or more.*2 of them/),
    });
    expect(far?.message).toMatch(/^The nearest 2 of 3 nodes are up to 50ms away from here/);
    expect(findingAt(1, 5_000, 5_000)?.severity).toBe('warning');
  });
});
