/**
 * The reference case of features under faults: a shop whose clicks, orders and stock stream in while the processes that take
 * them in are frozen and killed and Redis is killed; while the batch is frozen, and while all profiles are made anew. What is
 * served is what follows from the events, each counted once.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { dice } from '../src/ledger/random.js';
import { type Click, type Order, STREAMS } from '../src/shop-features/definitions.js';
import type { Customer } from '../src/shop-features/ingest.js';
import { type Model, score } from '../src/shop-features/model.js';
import type { Ranked } from '../src/shop-features/web.js';
import { Program, run } from './program.js';

let voters: LocalNodes;
let data: LocalNodes;
let redis: Redis;
let folder = '';
const programs: Program[] = [];

beforeAll(async () => {
  [voters, data, folder] = await Promise.all([
    startNodes(3),
    startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] }),
    mkdtemp(join(tmpdir(), 'shop-')),
  ]);
  redis = new Redis(data.urls[0] ?? '', { retryStrategy: () => 20 });
  redis.on('error', () => {}); // it is killed on purpose
  await using locks = createLocks({ nodes: voters.urls });
  await locks.initialize();
});
afterAll(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map((program) => program.ended()));
  redis.disconnect();
  await Promise.all([voters.stop(), data.stop(), rm(folder, { recursive: true })]);
});

const settings = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...{ HOLDFAST_NODES: voters.urls.join(','), REDIS_URL: data.urls[0] ?? '', LEASE: '1000' },
  ...more,
});

function start(role: string, more?: NodeJS.ProcessEnv): Program {
  const program = new Program('shop-features/main.ts', [role], settings(more));
  programs.push(program);
  return program;
}

const until = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: 30_000, interval: 10 });

/** How often it was given the right to a stream of clicks, for one of the two views. */
const rightsOf = ({ output }: Program): number =>
  output.match(/clicks:\d: this process writes/g)?.length ?? 0;
const RIGHTS = 2 * STREAMS.clicks.length;

/** An entry under an id of its own, so that one which is sent again is not added twice. */
async function append(stream: string, id: string, entry: object): Promise<void> {
  await until(() =>
    redis.xadd(stream, id, 'json', JSON.stringify(entry)).catch((error: Error) => {
      if (!error.message.includes('equal or smaller')) throw error;
    }),
  );
}

const USERS = Array.from({ length: 20 }, (_, n) => `u${n}`);
const PRODUCTS = Array.from({ length: 8 }, (_, n) => `p${n}`);

/** Before and after they are made anew: no profile may be half of the one and half of the other. */
const early = (n: number) => ({ age: 20 + n, city: 'Kiel', tier: n % 2 === 0 ? 'Gold' : 'None' });
const late = (n: number) => ({ age: 21 + n, city: 'DE-Kiel', tier: n % 2 === 0 ? 'gold' : 'none' });

async function customersFile(name: string, of: (n: number) => Omit<Customer, 'id'>): Promise<string> {
  const file = join(folder, name);
  const lines = Array.from({ length: 400 }, (_, n) => JSON.stringify({ id: `u${n}`, ...of(n) }));
  await writeFile(file, lines.join('\n'));
  return file;
}

type Features = Ranked['items'][0]['features'];

async function ask(url: string, user: string): Promise<Features[]> {
  return (await askItems(url, user)).map(({ features }) => features);
}

/** In the order of the products. */
async function askItems(url: string, user: string): Promise<Ranked['items']> {
  const query = `user=${user}&products=${PRODUCTS.join(',')}&budget=50`;
  const answer = await fetch(`${url}/rank?${query}`, { signal: AbortSignal.timeout(5_000) });
  if (answer.status !== 200) throw new Error(await answer.text());
  const { items } = (await answer.json()) as Pick<Ranked, 'items'>;
  return [...items].sort((one, other) => (one.product < other.product ? -1 : 1));
}

const profileIn = (features: Features | undefined) => ({
  age: features?.['profile.age'],
  city: features?.['profile.city'],
  tier: features?.['profile.tier'],
});

it('serves what follows from the events, whatever dies', { timeout: 120_000 }, async () => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9);
  console.log(`repeat with: HOLDFAST_SEED=${seed} npx vitest run examples/test/shop-features.test.ts`);
  const random = dice(seed);
  const began = Date.now();
  const web = start('web');
  await web.printed('web: ready');
  const url = /http:\/\/localhost:\d+/.exec(web.output)?.[0] ?? '';

  // The nightly batch freezes, another one takes its place, and the first one wakes up.
  const asOf = { AS_OF: String(began - 60_000) };
  const wrong = await customersFile('wrong.jsonl', (n) => ({ ...early(n), city: 'nowhere' }));
  const frozen = start('profiles', { ...asOf, CUSTOMERS: wrong, PAUSE: '300' });
  await frozen.printed('profiles: 100 landed');
  frozen.process.kill('SIGSTOP');
  const writers = [start('ingest'), start('ingest')];
  const batch = { ...asOf, CUSTOMERS: await customersFile('early.jsonl', early) };
  expect(await run('shop-features/main.ts', ['profiles'], settings(batch))).toMatchObject({ code: 0 });
  frozen.process.kill('SIGCONT');
  expect(await frozen.ended()).toBe(1);
  expect(frozen.output).toContain('profiles: refused, as');

  const clicks: Click[] = [];
  const orders: Order[] = [];
  const left = new Map<string, number>();
  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const id = `${clicks.length + orders.length + 1}-1`;
      // A few hours ago, or within the last forty minutes: nothing changes its window while the test runs.
      const ago = random.pick([0, 2 * 3_600_000]) + random.between(1, 40 * 60_000);
      const [user, product, at] = [random.pick(USERS), random.pick(PRODUCTS), Math.floor(began - ago)];
      const kind = random.pick(['click', 'click', 'click', 'order']);
      if (kind === 'order') {
        orders.push({ user, product, at });
        await append(STREAMS.orders[0], id, { user, product, at });
      } else {
        const paid = Math.floor(random.between(0, 30));
        const click = { user, product, seconds: Math.floor(random.between(1, 90)), paid, at };
        clicks.push(click);
        await append(random.pick(STREAMS.clicks), id, click);
      }
      left.set(product, n);
      await append(STREAMS.stock[0], id, { id: product, left: n, price: 10, at: began + clicks.length });
    }
  };
  await send(70);
  // One freezes, and the other one has all of them; then that one dies.
  await until(() =>
    expect(writers.reduce((sum, each) => sum + rightsOf(each), 0)).toBeGreaterThanOrEqual(RIGHTS),
  );
  const [first, second] = (rightsOf(writers[0] as Program) > 0 ? writers : [...writers].reverse()) as [
    Program,
    Program,
  ];
  const had = rightsOf(first);
  first.process.kill('SIGSTOP');
  await send(70);
  await until(() => expect(rightsOf(second)).toBeGreaterThanOrEqual(RIGHTS));
  first.process.kill('SIGCONT');
  await send(70);
  second.process.kill('SIGKILL');
  await send(70);
  await until(() => expect(rightsOf(first)).toBeGreaterThanOrEqual(had + RIGHTS));
  const [node] = data.nodes;
  await Promise.all([send(70), node?.restart()]);

  const latest = (events: readonly { at: number; product: string }[], n: number): string[] =>
    [...events]
      .sort((one, other) => other.at - one.at)
      .slice(0, n)
      .map(({ product }) => product);
  for (const user of USERS) {
    const [clicked, ordered] = [clicks, orders].map((all) => all.filter((each) => each.user === user));
    const own = clicked as Click[];
    const sum = (of: (click: Click) => number): number => own.reduce((total, each) => total + of(each), 0);
    const has = <T>(events: readonly unknown[], value: T): T | null => (events.length > 0 ? value : null);
    const bought = ordered ?? [];
    const expected = {
      'profile.city': 'Kiel',
      'hour.clicks': own.filter((each) => began - each.at < 3_600_000).length,
      'day.recent': has(own, latest(own, 5)),
      'day.paid': has(
        own,
        sum(({ paid }) => paid),
      ),
      'day.seconds': has(
        own,
        sum(({ seconds }) => seconds),
      ),
      'orders.today': has(bought, bought.length),
      'orders.last': has(bought, latest(bought, 3)),
    };
    const features = await until(async () => {
      const [served] = await ask(url, user);
      // Somebody who did not click in this hour has no row, or one that says 0.
      expect({ ...served, 'hour.clicks': served?.['hour.clicks'] ?? 0 }).toMatchObject(expected);
      return served;
    });
    const distinct = new Set(own.map(({ product }) => product)).size;
    expect(Math.abs(Number(features?.['day.products']) - distinct)).toBeLessThanOrEqual(2);
  }
  for (const [at, features] of (await ask(url, 'u0')).entries()) {
    expect(features['stock.left']).toBe(left.get(PRODUCTS[at] ?? ''));
    expect(features['isAffordable']).toBe(true);
  }

  // All profiles are made anew while they are read.
  const seen: { n: number; profile: ReturnType<typeof profileIn> }[] = [];
  const rebuild = run(
    'shop-features/main.ts',
    ['rebuild'],
    settings({
      ...asOf,
      CUSTOMERS: await customersFile('late.jsonl', late),
    }),
  );
  let isOver = false;
  void rebuild.then(() => {
    isOver = true;
  });
  for (let n = 0; !isOver || seen.length < 2; n = (n + 1) % USERS.length)
    seen.push({ n, profile: profileIn((await ask(url, `u${n}`))[0]) });
  expect(await rebuild).toMatchObject({ code: 0 });
  const isLate = ({ n, profile }: (typeof seen)[0]) => profile.city === late(n).city;
  for (const each of seen) expect(each.profile).toEqual(isLate(each) ? late(each.n) : early(each.n));
  const turn = seen.findIndex(isLate);
  expect(turn).toBeGreaterThan(0);
  expect(seen.slice(turn).every(isLate)).toBe(true);
  expect(await redis.keys('*:profile.1-*')).toEqual([]);

  // The gold ones buy what they are shown, and the model learns of it.
  for (const [n, user] of USERS.entries()) {
    await ask(url, user);
    if (n % 2 > 0) continue;
    for (const product of PRODUCTS)
      await append(STREAMS.orders[0], '*', { user, product, at: Date.now() + 1 });
  }
  const trained = await run('shop-features/main.ts', ['train'], settings());
  const [, before, after] = /loss ([\d.]+) -> ([\d.]+)/.exec(trained.output) ?? [];
  expect(Number(after), trained.output).toBeLessThan(Number(before));
  const model: Model = JSON.parse((await redis.get('model')) ?? '[]');
  const user = random.pick(USERS);
  await until(async () => {
    for (const item of await askItems(url, user)) expect(item.score).toBe(score(model, item.features));
  });
  const [gold = 0, none = 0] = (await Promise.all(['u0', 'u1'].map((each) => askItems(url, each)))).map(
    ([item]) => item?.score,
  );
  expect(gold).toBeGreaterThan(none);

  for (const program of [web, first]) program.process.kill('SIGTERM');
  expect(await Promise.all([web.ended(), first.ended()])).toEqual([0, 0]);
});
