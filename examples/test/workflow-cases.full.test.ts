/**
 * The reference cases of workflows under faults: their workers are killed and frozen at states that can be seen from outside,
 * and Redis is killed; what each case promises holds all the same.
 */
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { startPostgres } from '@holdfast/local/postgres';
import { type OpenedWorkflows, openWorkflows, type Run } from '@holdfast/workflow';
import { everyCrash, testWorkflows } from '@holdfast/workflow/testing';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { onboarding } from '../src/onboarding/onboarding.js';
import { Program, run } from './program.js';

let nodes: LocalNodes;
let redis: Redis;
const programs: Program[] = [];
/** Called after a test, the last one first. */
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  redis = new Redis(url());
  redis.on('error', () => {}); // it connects again
  const guard = createRedisGuard({ redis: url() });
  await guard.initialize();
  await guard.close();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.splice(0).map((program) => program.ended()));
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

const url = (): string => nodes.urls[0] ?? '';

async function start(file: string, role: string): Promise<Program> {
  const program = new Program(file, [role], { REDIS_URL: url(), LEASE: '700', DELAY: '50', SILENCE: '400' });
  programs.push(program);
  await program.printed(`${role}: ready`);
  return program;
}

/** The app, once its workers have made these workflows known. */
async function open(name: string, workflows: readonly string[]): Promise<OpenedWorkflows> {
  const app = await until(async () => {
    const opened = await openWorkflows({ redis: url(), name });
    if (workflows.every((each) => opened.names.includes(each))) return opened;
    await opened.close();
    return undefined;
  });
  closing.push(() => app.close());
  return app;
}

async function restartRedis(): Promise<void> {
  const [node] = nodes.nodes;
  await node?.restart();
}

/** Looks until `look` gives something other than nothing and false; what is thrown on the way is passed over. */
const until = <T>(look: () => Promise<T | undefined | null | false>): Promise<T> =>
  vi.waitFor(
    async () => {
      const seen = await look();
      if (seen === undefined || seen === null || seen === false) throw new Error('not yet');
      return seen;
    },
    { timeout: 30_000, interval: 5 },
  );

/** While Redis is away, whoever waits for a result asks again. */
const resultOf = <T>(run: Run<T>): Promise<T> =>
  run.result().catch((error: { code?: unknown }) => {
    if (error.code !== 'HOLDFAST_UNAVAILABLE') throw error;
    return until(async () => ({ value: await run.result() })).then(({ value }) => value);
  });

it('fraud check: charges each order that is accepted once, and gives back what cannot be shipped', async () => {
  const workers = await Promise.all([0, 1].map(() => start('fraud-check/main.ts', 'worker')));
  const shop = await open('shop', ['fraud-check']);
  const kinds = { plain: 20, large: 5_000, vain: 6_000, 'sold-out': 30 };
  const orders = Array.from({ length: 5 }, (_, n) =>
    Object.entries(kinds).map(([kind, amount]) => ({ id: `${n}-${kind}`, account: `a${n}`, amount })),
  ).flat();
  orders.push(
    { id: '5-abroad', account: 'new-abroad', amount: 10 },
    { id: '5-new', account: 'new', amount: 10 },
  );
  shop.on('order.created', 'fraud-check', { id: ({ id }: { id: string }) => id });
  const publish = (...many: typeof orders) =>
    shop.publish(many.map((data) => ({ name: 'order.created', id: data.id, data })));

  // A worker freezes between the seal of an order and its charge, while the bank is asked.
  const { stale, held } = await until(async () => {
    const order = { id: `held-${orders.length}`, account: 'a', amount: 1 };
    orders.push(order);
    await publish(order);
    const asking = await until(async () =>
      workers.find(({ output }) => output.includes(`the bank is asked about ${order.id}\n`)),
    );
    asking.process.kill('SIGSTOP');
    await redis.ping(); // what it had sent has arrived
    if ((await redis.hget('charged', order.id)) === null) return { stale: asking, held: order.id };
    asking.process.kill('SIGCONT'); // it was too late
    return false;
  });
  await until(() => redis.hget('charged', held));
  stale.process.kill('SIGCONT');
  await stale.printed(`refused, as another worker has the run ${held}`);

  await publish(...orders);
  for await (const item of shop.get('fraud-check', '0-plain').stream('reasons')) {
    if (item.kind === 'chunk') break;
  }
  workers.find((each) => each !== stale)?.process.kill('SIGKILL');
  const asked = orders.filter(({ id }) => /large|vain|5-new/.test(id));
  await Promise.all([
    ...asked.map(({ id }) =>
      until(() => shop.get('fraud-check', id).approve('charge', !id.includes('vain'), 'alice')),
    ),
    restartRedis(),
  ]);
  expect(await until(() => publish(...orders))).toMatchObject({ started: 0, found: orders.length });

  const ends = await Promise.all(
    orders.map(({ id }) =>
      resultOf(shop.get<unknown, { status: string }>('fraud-check', id)).catch((error: Error) => error),
    ),
  );
  const bookings = (await redis.lrange('bookings', 0, -1)).map((text) => JSON.parse(text));
  let total = 0;
  orders.forEach(({ id, amount }, index) => {
    const booked = bookings.filter(({ order }) => order === id);
    const kinds = booked.map(({ kind }) => kind);
    if (id.endsWith('sold-out')) {
      expect(ends[index]).toMatchObject({ name: 'RunFailedError' });
      expect(kinds).toEqual(['charge', 'give back']);
      expect(booked[1].token).toBeGreaterThan(booked[0].token);
    } else if (/vain|abroad/.test(id)) {
      expect(ends[index]).toMatchObject({ status: 'refused' });
      expect(kinds).toEqual([]);
    } else {
      expect(ends[index]).toMatchObject({ status: 'accepted' });
      expect(kinds).toEqual(['charge']);
      total += amount;
    }
  });
  const balances = Object.values(await redis.hgetall('balances')).map(Number);
  expect(balances.reduce((sum, each) => sum + each, 0)).toBe(-total);
});

it('fraud check: charges accounts in PostgreSQL, too', async () => {
  const postgres = await startPostgres();
  closing.push(() => postgres.stop());
  const pool = new Pool({ connectionString: postgres.url });
  closing.push(() => pool.end());
  const env = { REDIS_URL: url(), DATABASE_URL: postgres.url, DELAY: '10' };
  const guard = createPostgresGuard({ sql: pool });
  await guard.migrate();
  await guard.initialize();
  const { code, output } = await run('fraud-check/main.ts', [], env);
  // The reasons come piece by piece, and what the mocks say may come between them.
  const reasons = output.replaceAll(/the bank is asked about .*\n/g, '');
  expect(reasons).toContain('The account is 400 days old. It is in DE. It asks for 5000. Risk: 5\n');
  expect(code).toBe(0);
  const { rows } = await pool.query('SELECT account, balance::int FROM balances ORDER BY account');
  expect(rows).toEqual([
    { account: 'bob', balance: -5_000 },
    { account: 'eve', balance: -20 },
  ]);
});

it('articles: publishes each article once, with what the checkers have corrected', async () => {
  const worker = (role: string) => start('articles/main.ts', role);
  const [, ...desks] = await Promise.all(['checker', 'desk', 'desk'].map(worker));
  const desk = await open('press', ['article', 'fact-check']);
  const founded = { Kiel: 1233, Ulm: 854, Jena: 1182, Bonn: 1000 }; // of Bonn, nobody knows better
  const runs = await Promise.all(
    Object.keys(founded).map((topic) => desk.start('article', { id: topic, topic }, { id: topic })),
  );

  // What is to be done is known for each kind of worker, also where there is none.
  const press = await open('press', ['article', 'fact-check', 'outline']);
  await until(async () => (await press.demand())['outline']?.waiting === runs.length);
  const [writer] = await Promise.all(['writer', 'editor'].map(worker));
  const running = async (workflow: string) => (await press.demand())[workflow]?.running ?? 0;
  await writer?.printed('the model is asked');
  writer?.process.kill('SIGSTOP');
  // What it had is for any writer to take.
  await until(async () => (await running('outline')) + (await running('draft')) === 0);
  writer?.process.kill('SIGCONT');

  const typesetting = await until(async () => desks.find(({ output }) => output.includes('typesetting')));
  typesetting.process.kill('SIGSTOP');
  await restartRedis();
  await until(async () => (await redis.llen('feed')) > 0);
  desks.find((each) => each !== typesetting)?.process.kill('SIGKILL');
  typesetting.process.kill('SIGCONT');

  const articles = Object.entries(founded).map(([topic, year]) => ({
    ...{ id: topic, title: topic, text: `${topic} is far away.\n\n${topic} was founded in ${year}.` },
  }));
  expect(await Promise.all(runs.map(resultOf))).toEqual(articles);
  expect((await redis.lrange('feed', 0, -1)).sort()).toEqual(Object.keys(founded).sort());
  const pages = articles.map(({ id, title, text }) => [id, `# ${title}\n\n${text}\n`]);
  expect(await redis.hgetall('articles')).toEqual(Object.fromEntries(pages));
});

it('personalisation: gives each request one answer, whoever is asked and how often, and counts it once', async () => {
  const webs = await Promise.all([0, 1].map(() => start('personalisation/main.ts', 'web')));
  const addresses = webs.map(({ output }) => /http:\/\/localhost:\d+/.exec(output)?.[0]);
  const askAt = async (web: number, user: string, request: string): Promise<string[]> => {
    const answer = await fetch(`${addresses[web]}/users/${user}?request=${request}`, {
      signal: AbortSignal.timeout(2_000),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    return ((await answer.json()) as { items: string[] }).items;
  };
  const users = ['a', 'b', 'c', 'unlucky'];
  const visitsOf = (requests: readonly string[]) =>
    users.flatMap((user) => requests.map((request) => ({ user, request })));
  const ask = (visits: ReturnType<typeof visitsOf>) =>
    visits.map(({ user, request }, n) => {
      let tries = n;
      return until(() => askAt(tries++ % 2, user, request));
    });
  const early = ask(visitsOf(['r0', 'r1', 'r2', 'r3']));
  await webs[0]?.printed('counted'); // and nobody knows of it yet
  webs[0]?.process.kill('SIGSTOP');
  await restartRedis();
  const first = await Promise.all(early);
  webs[0]?.process.kill('SIGCONT');
  const late = ask(visitsOf(['r4', 'r5', 'r6', 'r7']));
  await Promise.race(late);
  webs[1]?.process.kill('SIGKILL');
  const items = [...first, ...(await Promise.all(late))];

  const visits = [...visitsOf(['r0', 'r1', 'r2', 'r3']), ...visitsOf(['r4', 'r5', 'r6', 'r7'])];
  expect(await Promise.all(ask(visits))).toEqual(items);
  for (const user of users) {
    const shown = items.filter((_, n) => visits[n]?.user === user);
    const served = await redis.hgetall(`served:${user}`);
    expect(Object.keys(served).sort()).toEqual(Array.from({ length: 8 }, (_, n) => `r${n}`));
    expect(Object.values(served).sort()).toEqual(shown.map((each) => each.join(' ')).sort());
    const seen: Record<string, string> = {};
    for (const item of shown.flat()) seen[item] = `${Number(seen[item] ?? 0) + 1}`;
    expect(await redis.hgetall(`seen:${user}`)).toEqual(seen);
  }
  expect(new Set(items.slice(-4).flat())).toEqual(new Set(['easel', 'flute', 'globe']));
});

it('sensors: sums each minute of a sensor, each plausible reading once', async () => {
  const workers = await Promise.all([0, 1].map(() => start('sensors/main.ts', 'worker')));
  const app = await open('sensors', ['sensor']);
  app.on('measured', 'sensor', {
    key: ({ sensor }: { sensor: string }) => sensor,
    input: ({ sensor }) => sensor,
    send: 'reading',
  });
  const [sensors, minutes, readings] = [['cellar', 'roof'], 10, 120];
  const faults: Readonly<Record<number, () => unknown>> = {
    2: () => workers[0]?.process.kill('SIGSTOP'),
    4: () => workers[0]?.process.kill('SIGCONT'),
    6: () => workers[1]?.process.kill('SIGKILL'),
    8: restartRedis,
  };
  for (let minute = 0; minute < minutes; minute += 1) {
    const events = sensors.flatMap((sensor) =>
      Array.from({ length: readings }, (_, n) => ({
        name: 'measured',
        id: `${sensor} ${minute}.${n}`,
        data: { sensor, at: (minute + 1) * 60_000 + n, value: n % 40 === 0 ? 999 : minute },
      })),
    );
    const struck = faults[minute]?.();
    await until(() => app.publish(events));
    await struck;
    if (minute > 0)
      await until(() => redis.hexists(`minutes:${sensors[minute % 2]}`, `${minute * 60_000}`).then(Boolean));
    expect(await until(() => app.publish(events))).toMatchObject({ started: 0, late: 0 });
  }
  const plausible = readings - readings / 40;
  const sums = Array.from({ length: minutes }, (_, n) => [
    `${(n + 1) * 60_000}`,
    `${n * plausible} ${plausible}`,
  ]);
  for (const sensor of sensors) {
    await until(
      async () => (await redis.hget(`minutes:${sensor}`, `${minutes * 60_000}`)) === sums.at(-1)?.[1],
    );
    expect(await redis.hgetall(`minutes:${sensor}`)).toEqual(Object.fromEntries(sums));
    // What 1,000 passes have left behind is in the journal no more.
    expect((await app.get('sensor', sensor).history()).length).toBeLessThan(minutes * readings);
  }
});

/** The onboarding with what it does to the world, by the virtual day on which it does that. */
function onboardingOn(now: () => number, day: number) {
  const done: string[] = [];
  const tell = (what: string): void => void done.push(`${Math.round(now() / day)} ${what}`);
  const flow = onboarding({
    day,
    open: async () => tell('open'),
    close: async () => tell('close'),
    mail: async (_, letter) => tell(letter),
  });
  return { flow, done };
}

const DAY = 86_400_000;
const customer = { account: 'eve', address: 'eve@example.org' };
const LETTERS = ['welcome', 'reminder', 'second reminder', 'last reminder', 'farewell'];

it('onboarding: reminds for two weeks, and closes an account that is not confirmed or given up', async () => {
  let since = 0;
  const { flow, done } = onboardingOn(() => test.now() - since, DAY);
  const test = testWorkflows({ workflows: [flow] });
  since = test.now();
  await expect(test.run(flow, customer)).rejects.toThrow('was not confirmed');
  const days = [0, 2, 5, 10, 14].map((day, n) => `${day} ${LETTERS[n]}`);
  expect(done.splice(0)).toEqual(['0 open', ...days, '14 close']);

  for (const gives of ['confirmed', 'up'] as const) {
    since = test.now();
    const run = await test.until(test.workflows.start(flow, customer));
    await test.pass(3 * DAY);
    // Its worker freezes, and another one goes on.
    const { worker } = gives === 'confirmed' ? test : { worker: undefined };
    worker?.freeze();
    if (worker) test.addWorker();
    await test.pass(3 * DAY);
    expect(await test.until(run.state())).toMatchObject({ next: 'last reminder' });
    if (gives === 'confirmed') {
      await test.until(run.send('confirmed', { by: 'eve' }));
      expect(await test.until(run.result())).toBe('confirmed by eve');
    } else {
      await test.until(run.cancel());
      await expect(test.until(run.result())).rejects.toThrow('cancelled');
    }
    await test.pass(30 * DAY);
    worker?.thaw();
    await test.pass(DAY);
    const last = gives === 'up' ? ['6 farewell', '6 close'] : [];
    expect(done.splice(0)).toEqual(['0 open', '0 welcome', '2 reminder', '5 second reminder', ...last]);
  }
});

it('onboarding: sends no letter twice, and closes the account, at whichever commit its worker fails', async () => {
  const worlds: string[][] = [];
  const make = () => {
    const { flow, done } = onboardingOn(() => 0, 60_000);
    worlds.push(done);
    return flow;
  };
  const cases = await everyCrash({ make, input: customer });
  expect(cases.length).toBeGreaterThan(30);
  expect(worlds.length).toBe(cases.length);
  for (const [index, done] of worlds.entries()) {
    const { commit, way } = cases[index] as (typeof cases)[0];
    const sent = done.map((each) => each.slice(2)).filter((each) => LETTERS.includes(each));
    expect(new Set(sent).size, `${commit} ${way}`).toBe(sent.length);
    // A commit that was cut costs one letter at most: that which was under way.
    expect(sent.length, `${commit} ${way}`).toBeGreaterThanOrEqual(
      LETTERS.length - (way === undefined ? 0 : 1),
    );
    expect(done.at(-1), `${commit} ${way}`).toBe('0 close');
  }
});

it('onboarding: runs in real time, too', async () => {
  const { code, output } = await run('onboarding/main.ts', [], { REDIS_URL: url(), DAY: '100' });
  const { address } = customer;
  for (const line of [
    `to ${address}: welcome`,
    `to ${address}: reminder`,
    'confirmed by eve',
    'to bob@example.org: farewell',
    'bob is closed',
  ]) {
    expect(output).toContain(`${line}\n`);
  }
  expect(code).toBe(0);
});
