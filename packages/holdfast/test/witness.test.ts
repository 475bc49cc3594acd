/**
 * `holdfast witness`: a data Redis that was restored from a real, older backup is behind the nodes and behind its witness, each
 * thing by its name; one that was not is not.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, t, view } from '@holdfast/features';
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { createQueue } from '@holdfast/queue';
import { createIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { called } from './called.js';

const profile = view('profile', { entity: entity('user'), fields: { n: t.int() } });
const order = defineWorkflow({ name: 'order' }, async () => null);

let nodes: LocalNodes;
let locks: Locks;
let folder: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  nodes = await startNodes(4);
  const voters = nodes.urls.slice(1);
  locks = createLocks({ nodes: voters, callTimeout: 5_000 });
  await locks.initialize();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-witness-'));
  env = { REDIS_URL: nodes.urls[0] ?? '', HOLDFAST_NODES: voters.join(',') };
});
afterAll(async () => {
  await locks.close();
  await nodes.stop();
  await rm(folder, { recursive: true });
});

/** Each call writes something more to all systems, under tokens that are higher. */
async function work(round: number): Promise<void> {
  const redis = env['REDIS_URL'] ?? '';
  await using lease = await locks.acquire('account:42');
  await using guard = createRedisGuard({ redis });
  await guard.initialize().catch(() => {}); // the second time it is not new
  await (await guard.seal(lease)).write([['SET', 'balance', String(round)]]);
  await using queue = createQueue({ redis, name: 'images' });
  await queue.add(round, { id: `task-${round}` });
  await queue.cancel(`task-${round}`);
  await using app = createWorkflows({ redis, workflows: [order] });
  await app.start(order, null, { id: `run-${round}` });
  const store = createFeatures({ redis, name: 'shop', views: [profile] });
  await store.apply();
  await using holder = await locks.acquire('features:shop:profile');
  const lane = await store.open(profile, { holder });
  await lane.land([{ id: 'u1', time: round * 1_000, values: { n: round } }]);
  await store.close();
  const kb = createIndex({ redis, name: 'kb', vectors: { dimensions: 2 } });
  await kb.put({ id: `d${round}`, vector: [1, round] });
  await kb.close();
}

const witness = (...words: string[]) => called(['witness', ...words], env);

/** It writes to all five systems, which takes seconds. */
const inFull = (name: string, body: () => Promise<void>): void => {
  if (process.env['HOLDFAST_TESTS'] === 'full') test(name, body);
};

inFull('says what a data Redis lacks that was restored from an older backup', async () => {
  const [data] = nodes.nodes;
  if (data === undefined) throw new Error('there is no node');
  const [backup, file] = [join(folder, 'backup.rdb'), join(folder, 'witness.json')];
  const kept = join(data.folder, 'dump.rdb');
  await work(1);
  const redis = new Redis(data.url);
  await redis.save();
  await copyFile(kept, backup);
  await work(2);
  await redis.save();
  const page = await readFile(new URL('../../../docs/OPERATE.md', import.meta.url), 'utf8');
  const rights = /Its user needs `([^`]+)`/.exec(page)?.[1] ?? '';
  await redis.call('ACL', 'SETUSER', 'watcher', 'reset', 'on', '>secret', ...rights.split(' '));
  redis.disconnect();
  const place = data.url.replace('redis://', 'redis://watcher:secret@');
  const taken = await witness('take', '--file', file, '--json', '--redis', place);
  expect(taken).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(taken.stdout).facts).toBeGreaterThan(6);

  // A restart that loses nothing is not behind.
  await data.restart();
  expect(await witness('check', '--file', file)).toMatchObject({
    ...{
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Nothing is behind the witness of \S+Z and the nodes\.\n$/),
    },
  });

  await data.stop();
  await copyFile(backup, kept);
  await data.start();
  const found = await witness('check', '--file', file, '--json');
  expect(found.code).toBe(1);
  expect(JSON.parse(found.stderr)).toMatchObject({ code: 'HOLDFAST_FINDINGS' });
  const { behind } = JSON.parse(found.stdout) as { behind: { kind: string; of: string }[] };
  const of = (kind: string) => behind.filter((each) => each.kind === kind).map((each) => each.of);
  expect(of('mark')).toEqual(['{holdfast}:mark:account:42']);
  expect(of('queue').sort()).toEqual(['{queue:images}:notices', '{queue:images}:ready:0']);
  expect(of('runs')).toEqual(['{wf:app.0}:events']);
  expect(of('lane').join()).toContain('{feat:shop.0}:record mark:profile.');
  expect(of('rows')).toEqual(['{feat:shop.0}:log']);
  expect(of('index')).toEqual(['{vectors:kb}:log']);

  // Without a witness, the nodes know of the marks.
  const { REDIS_URL = '', ...rest } = env;
  const told = await called(['witness', 'check', '--redis', REDIS_URL], rest);
  expect(told).toMatchObject({ code: 1, stderr: 'holdfast: the data Redis is behind.\n' });
  expect(told.stdout).toMatch(
    /^ {2}mark +is +was\n {2}\{holdfast\}:mark:account:42 +\d{16} +\d{16}\n {2}-> an earlier holder/,
  );
  expect(told.stdout).toMatch(/\n1 of what only rises is behind the nodes\.\n$/);
});

test('refuses a file that is no witness, and to compare with nothing', async () => {
  const file = join(folder, 'other.json');
  await writeFile(file, '{"keys":[]}');
  expect((await witness('check', '--file', file)).stderr).toContain('is no witness');
  await writeFile(file, '{"witness":9,"taken":1,"facts":{}}');
  expect((await witness('check', '--file', file)).stderr).toContain('of version 9');
  const { REDIS_URL = '' } = env;
  expect(await called(['witness', 'check'], { REDIS_URL })).toMatchObject({
    ...{ code: 64, stderr: expect.stringContaining('what to compare with') },
  });
  expect((await called(['witness', 'take', '--file', file], { REDIS_URL: 'redis://127.0.0.1:1' })).code).toBe(
    69,
  );
});
