/** The dashboard, page by page, in a real browser against a real server. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createRedisGuard } from '@holdfast/fence/redis';
import { reportTo } from '@holdfast/fence/report';
import { createQueue, createWorker, type Queue } from '@holdfast/queue';
import { createIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow, type Step } from '@holdfast/workflow';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser } from '../../../examples/test/browser.js';
import { makeIndex, makeStore } from './made.js';
import { Dashboard } from './pages.js';
import { startProvider } from './provider.js';
import { fileOf, keysOf, later, ownLocks, type Served, serve, url, useRedis } from './setting.js';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

useRedis();

/** What shows more of pages that other tests have opened. */
const inFull = (name: string, body: () => Promise<void>): void => {
  if (process.env['HOLDFAST_TESTS'] === 'full') it(name, body);
};

let browser: Browser;
let served: Served;
let shown: Dashboard;

beforeAll(async () => {
  const built = build({ root: folder('../dashboard/'), logLevel: 'warn' });
  browser = await startBrowser();
  await built;
});
afterAll(() => browser.close());

/** Opens a page of a new server. */
async function open(path: string, options = {}): Promise<void> {
  served = await serve(options);
  shown = await Dashboard.open(browser, served.url);
  later(() => shown.page.close());
  await shown.go(path);
}

function queueOf(name: string): Queue {
  const queue = createQueue({ redis: url(), name });
  later(() => queue.close());
  return queue;
}

/** Adds tasks that fail for good, with these errors. */
async function bury(queue: Queue, errors: readonly string[]): Promise<void> {
  for (const error of errors) await queue.add({ error }, { attempts: 1 });
  const worker = createWorker({
    queue,
    handler: ({ data }) => {
      throw new Error((data as { error: string }).error);
    },
  });
  await expect.poll(async () => (await queue.counts()).dead).toBe(errors.length);
  await worker.stop();
}

describe('the files', () => {
  it('have at most 60 KB of JavaScript, compressed, and nothing of another host', () => {
    const assets = folder('../dist/dashboard/assets/');
    const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
    const size = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(assets + name)).length, 0);
    expect(size).toBeGreaterThan(5_000);
    expect(size).toBeLessThan(60 * 1_024);
    const page = readFileSync(folder('../dist/dashboard/index.html'), 'utf8');
    expect(page).not.toMatch(/(?:src|href)="(?!\/)/);
  });

  it('are served under a policy that refuses what is not of this server', async () => {
    served = await serve();
    const page = await served.ask('GET', '/queues/images?state=dead');
    expect(page.headers.get('content-security-policy')).toContain(
      "default-src 'self'; frame-ancestors 'none'",
    );
    expect(page.body).toContain('<div id="app">');
    const script = /src="(\/assets\/[^"]+)"/.exec(page.body)?.[1] ?? '';
    expect((await served.ask('GET', script)).headers.get('content-type')).toContain('text/javascript');
    expect((await served.ask('GET', '/assets/..%2findex.html')).status).toBe(404);
    expect((await served.ask('POST', '/queues')).status).toBe(404);
  });
});

describe('the overview', () => {
  it('says why nothing is there, and then what comes, without being loaded again', async () => {
    await open('/');
    await shown.says('Nothing has been done here yet');
    await shown.isAccessible();
    const queue = queueOf('images');
    await queue.add({ url: 'cat' });
    await shown.says('1 thing needs attention');
    await shown.follow(/images: 1 task waits, and there is no worker/);
    expect(shown.path).toBe('/queues/images?state=waiting');
  });
});

describe('the pages of queues', () => {
  it('list queues, find one, and lead from its numbers to the tasks that they count', async () => {
    const queue = queueOf('images');
    await queueOf('mails').add('hello');
    await bury(queue, ['no cat', 'no cat', 'no dog']);
    await open('/queues');
    await shown.says('2 queues, 1 waiting task; 2 need attention');
    await shown.isAccessible();
    await shown.page.getByRole('searchbox').fill('ima');
    await expect.poll(() => shown.rows('Queues')).toHaveLength(1);
    expect(shown.path).toBe('/queues?q=ima');
    await shown.page.reload();
    await expect.poll(() => shown.rows('Queues')).toHaveLength(1);
    await shown.page
      .getByRole('region', { name: 'Queues', exact: true })
      .getByRole('link', { name: '3' })
      .first()
      .click();
    await shown.says(/images needs attention: 3 dead letters/);
    await expect.poll(() => shown.rows('Dead tasks')).toHaveLength(3);
    await shown.isAccessible();
    await shown.follow('no dog');
    await expect.poll(() => shown.rows('Dead tasks')).toHaveLength(1);
    await shown.page.goBack();
    await expect.poll(() => shown.rows('Dead tasks')).toHaveLength(3);
  });

  it('retry, cancel, remove, pause and add', async () => {
    const queue = queueOf('images');
    await bury(queue, ['no cat', 'no dog']);
    await open('/queues/images?state=dead');
    await expect.poll(() => shown.rows('Dead tasks')).toHaveLength(2);
    await shown.page
      .getByRole('button', { name: /^Retry \d+-/ })
      .first()
      .click();
    await shown.told(/will be tried again/);
    await expect.poll(() => queue.counts()).toMatchObject({ waiting: 1, dead: 1 });
    await shown.click('Remove 1 dead letter');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect((await queue.counts()).dead).toBe(1);
    await shown.click('Remove 1 dead letter');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Remove 1 dead letter' }).click();
    await shown.told('1 task removed.');
    await shown.page.getByText('No task has failed for good.').waitFor();
    await shown.click('Pause');
    await shown.says(/it is paused/);
    expect((await queue.counts()).paused).toBe(true);
    await shown.click('Resume');
    await shown.says(/there is no worker/);
    await shown.page.getByLabel('Its data, as JSON').fill('{"url":');
    await shown.click('Add');
    await shown.told(/The data is no JSON/);
    await shown.page.getByLabel('Its data, as JSON').fill('{"url":"dog"}');
    await shown.click('Add');
    await shown.told(/Added as/);
    await shown.follow('Waiting 2');
    await expect.poll(() => shown.rows('Waiting tasks')).toHaveLength(2);
    expect(shown.problems).toEqual([]);
  });

  inFull('show a task with its failed attempts, and follow it to its end', async () => {
    const queue = queueOf('images');
    await bury(queue, ['<b>no cat</b>']);
    const { tasks } = await queue.list('dead');
    await open(`/queues/images/tasks/${tasks[0]?.id}`);
    await shown.says(/has failed for good/);
    await shown.page.getByText('<b>no cat</b>', { exact: true }).waitFor();
    await shown.isAccessible();
    await shown.click(/^Retry/);
    await shown.says(/waits for a worker/);
    const worker = createWorker({ queue, handler: () => 'done' });
    later(() => worker.stop());
    await shown.says(/has completed/);
    await shown.page.getByRole('region', { name: 'Result' }).first().getByText('"done"').waitFor();
  });
});

describe('the pages of locks and nodes', () => {
  it('lead from a lease to its holder, its tokens, and the stale write that was refused', async () => {
    const reporting = reportTo({ redis: url() });
    later(() => reporting.close());
    const guard = createRedisGuard({ redis: url(), name: 'orders' });
    later(() => guard.close());
    await guard.initialize();
    const name = 'account:42/a b';
    await open('/locks');
    await shown.says('No lease is held');
    await shown.page.getByText('No stale write has been refused').waitFor();
    await shown.isAccessible();
    const early = await ownLocks().acquire(name, { ttl: 20_000 });
    await early.release();
    const holder = await ownLocks().acquire(name, { ttl: 20_000 });
    later(() => holder.release());
    await guard.seal(holder);
    await expect(guard.seal({ ...early.handOver(), issuer: early.issuer })).rejects.toThrow(/stale/);
    await shown.says('1 lease is held, and nobody waits');
    await expect.poll(() => shown.rows('Leases that are held')).toHaveLength(1);
    await expect.poll(() => shown.rows('Refused writes')).toHaveLength(1);
    await shown.follow('Overview');
    await shown.page.getByRole('link', { name: /^Stale writes refused 1/ }).waitFor();
    await shown.page.getByRole('link', { name: /^Lock nodes that vote 1 of 1/ }).waitFor();
    await shown.page.getByRole('img', { name: /1 write under a stale token/ }).waitFor();
    await shown.isAccessible();
    await shown.follow('Locks');
    await shown.page.getByRole('searchbox').fill('nobody');
    await shown.page.getByText('No lease is held whose name begins so.').waitFor();
    expect(shown.path).toBe('/locks?prefix=nobody');
    await shown.page.getByRole('searchbox').fill('account:');
    await shown.page
      .getByRole('region', { name: 'Leases that are held' })
      .getByRole('link', { name })
      .click();
    await shown.says(/is held for another/);
    expect(shown.path).toBe('/locks/account%3A42%2Fa%20b');
    await shown.page
      .getByRole('img', { name: /2 leases of 1 holder; 1 write under a stale token/ })
      .waitFor();
    expect(await shown.page.locator('.strip .refused').count()).toBe(1);
    expect(await shown.page.locator('.strip .valid').count()).toBe(1);
    await shown.isAccessible();
    await shown.click('End the lease');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'End 1 lease' }).click();
    await shown.told(/is over/);
    await shown.says(/is held by nobody/);
    await expect(holder.extend()).rejects.toMatchObject({ code: 'HOLDFAST_LEASE_LOST' });
  });

  it('show the nodes with what the doctor finds; and what is missing without nodes', async () => {
    await open('/nodes');
    await shown.says('1 of 1 node votes; 1 is needed, so no more may fail');
    await expect.poll(() => shown.rows('Nodes')).toHaveLength(1);
    await shown.page.getByText('Use three nodes or more.', { exact: false }).waitFor();
    await shown.isAccessible();
    await open('/nodes', { locks: undefined });
    await shown.page.getByText('started without lock nodes').waitFor();
    await shown.follow('Locks');
    await shown.page.getByText('This server has no nodes for leases').first().waitFor();
    await shown.isAccessible();
  });

  inFull('show only the locks that the key may read, and no button that it may not use', async () => {
    const held = [
      await ownLocks().acquire('a:1', { ttl: 20_000 }),
      await ownLocks().acquire('b:1', { ttl: 20_000 }),
    ];
    for (const lease of held) later(() => lease.release());
    const { file, keys } = keysOf({ ann: ['locks:read=a:*'] });
    served = await serve({ keys: file });
    const listed = await served.ask('GET', '/v1/locks', { key: keys.ann });
    expect(listed.body.locks.map(({ resource }: { resource: string }) => resource)).toEqual(['a:1']);
    expect((await served.ask('GET', '/v1/locks/b:1/history', { key: keys.ann })).status).toBe(403);
    expect((await served.ask('GET', '/v1/doctor', { key: keys.ann })).status).toBe(403);
    shown = await Dashboard.open(browser, served.url);
    later(() => shown.page.close());
    await shown.go('/locks/a:1');
    await shown.page.getByLabel('Key').fill(keys.ann);
    await shown.click('Sign in');
    await shown.says(/is held for another/);
    expect(await shown.page.getByRole('button', { name: 'End the lease' }).count()).toBe(0);
  });
});

describe('the pages of workflows', () => {
  const order = defineWorkflow({ name: 'order' }, async (ctx, input: { item: string }) => {
    await ctx.step('ask', async (step) => {
      for (const word of ['Kelp ', '<b>is</b> ', 'fine']) await step.stream('words').write(word);
    });
    const charge = (step: Step): string => {
      if (step.attempt === 1) throw new Error('the card was declined');
      return 'paid';
    };
    await ctx.step('charge', charge, { attempts: 2, backoff: { type: 'constant', delay: 1 } });
    ctx.state.set({ item: input.item });
    return ctx.receive('buyer');
  });

  async function startOrders(): Promise<void> {
    const app = createWorkflows({ redis: url(), workflows: [order] });
    later(() => app.close());
    app.work();
    for (const id of ['o1', 'o2']) await app.start(order, { item: 'kelp' }, { id, key: `customer:${id}` });
    await expect.poll(async () => (await app.counts(order)).sleeping).toBe(2);
  }

  it('lead from the counts to a run, its attempts with their tokens, and what its steps have written', async () => {
    await open('/workflows');
    await shown.says('There is no workflow yet');
    await shown.isAccessible();
    await startOrders();
    await shown.says('1 workflow, 2 runs under way; none is stuck');
    await shown.isAccessible();
    await shown.page
      .getByRole('region', { name: 'Workflows', exact: true })
      .getByRole('link', { name: '2', exact: true })
      .click();
    await shown.says(/order has 2 runs under way/);
    await expect.poll(() => shown.rows('Sleeping runs')).toHaveLength(2);
    await shown.page.getByRole('searchbox').fill('o2');
    await expect.poll(() => shown.rows('Sleeping runs')).toHaveLength(1);
    await shown.page.getByLabel(/Since when/).selectOption('1h');
    await expect.poll(() => shown.rows('Sleeping runs')).toHaveLength(1);
    expect(shown.path).toBe('/workflows/order?state=sleeping&q=o2&since=1h');
    await shown.isAccessible();
    await shown.page
      .getByRole('region', { name: 'Sleeping runs' })
      .getByRole('link', { name: 'o2', exact: true })
      .click();
    await shown.says(/o2 sleeps until something comes/);
    expect(shown.path).toBe('/workflows/order/runs/o2?key=customer%3Ao2');
    await expect
      .poll(async () => (await shown.rows('Steps')).map((row) => row.replaceAll(/\s+/g, ' ')).join('; '))
      .toMatch(/ask .*done.*; charge .*retried.*the card was declined; charge .*done/);
    expect(await shown.page.locator('.fall rect.retried').count()).toBe(1);
    await shown.page.getByLabel('Name of a stream').fill('words');
    await shown.click('Follow');
    await shown.page.getByText('Kelp <b>is</b> fine', { exact: true }).waitFor();
    expect(shown.path).toContain('stream=words');
    await shown.isAccessible();
  });

  it('lead to more runs than a page shows, and back', async () => {
    const app = createWorkflows({ redis: url(), workflows: [order] });
    later(() => app.close());
    const delay = 3_600_000;
    await Promise.all(Array.from({ length: 120 }, () => app.start(order, { item: 'kelp' }, { delay })));
    await open('/workflows/order?state=delayed');
    await expect.poll(async () => (await shown.rows('Delayed runs')).length).toBeGreaterThan(90);
    await shown.page.getByRole('link', { name: 'Next 100' }).click();
    await expect.poll(async () => (await shown.rows('Delayed runs')).length).toBeLessThan(30);
    expect(shown.path).toContain('cursor=');
    await shown.isAccessible();
    await shown.page.getByRole('link', { name: 'First page' }).click();
    await expect.poll(async () => (await shown.rows('Delayed runs')).length).toBeGreaterThan(90);
  });

  it('cancel, retry, tell, fork and terminate a run, and show a run that nobody knows', async () => {
    await startOrders();
    await open('/workflows/order/runs/o1?key=customer:o1');
    await shown.says(/o1 sleeps/);
    await shown.click('Cancel o1');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Cancel 1 run' }).click();
    await shown.says(/o1 was cancelled/);
    await shown.page.getByLabel('Do anew from').selectOption({ label: 'charge' });
    await shown.click('Fork');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Start 1 run' }).click();
    await shown.told(/was started/);
    expect(shown.path).toMatch(/^\/workflows\/order\/runs\/(?!o1)/);
    await shown.says(/sleeps until something comes/);
    await shown.page.getByLabel(/Its name/).fill('buyer');
    await shown.page.getByLabel(/What it says/).fill('{"a":');
    await shown.click('Send');
    await shown.told(/is no JSON/);
    await shown.page.getByLabel(/What it says/).fill('{"a":1}');
    await shown.isAccessible();
    await shown.click('Send');
    await shown.told('"buyer" was sent.');
    await shown.says(/has completed/);
    expect(await shown.page.getByRole('button', { name: 'Send' }).count()).toBe(0);
    await shown.go('/workflows/order/runs/o1?key=customer:o1');
    await shown.click('Retry o1');
    await shown.says(/o1 sleeps/);
    await shown.click('Terminate o1');
    await shown.page.getByRole('dialog').getByRole('button', { name: 'Terminate 1 run' }).click();
    await shown.says(/o1 was cancelled/);
    await shown.go('/workflows/order/runs/o9');
    await shown.says(/o9 is not known any more/);
    await shown.isAccessible();
  });

  inFull('show no data and no buttons to a key that may only read', async () => {
    await startOrders();
    const { file, keys } = keysOf({ ann: ['workflows:read=order'] });
    await open('/workflows/order/runs/o1?key=customer:o1', { keys: file });
    await shown.page.getByLabel('Key').fill(keys.ann);
    await shown.click('Sign in');
    await shown.says(/o1 sleeps/);
    await expect.poll(() => shown.rows('Steps')).toHaveLength(3);
    expect(await shown.page.getByRole('button', { name: /o1|Follow|Send|Fork/ }).count()).toBe(0);
    expect(await shown.page.content()).not.toMatch(/declined|kelp/);
  });
});

describe('the pages of features and vectors', () => {
  it('lead from a store to its view: how fresh it is, its generations and lanes, and the row of an entity', async () => {
    await open('/features');
    await shown.says('There is no feature store yet');
    await shown.isAccessible();
    await makeStore();
    await shown.says('1 feature store');
    await shown.follow('shop');
    await shown.says(/shop has 1 row in 1 view/);
    await expect.poll(() => shown.rows('Views')).toHaveLength(1);
    await shown.isAccessible();
    await shown.follow('profile');
    await shown.says(/profile is fresh: its newest event is/);
    await expect.poll(async () => (await shown.rows('Generations'))[0]).toMatch(/live\s+1/);
    await expect.poll(() => shown.rows('Lanes')).toHaveLength(1);
    await shown.page.getByText('npx holdfast features baseline profile --store shop').waitFor();
    await shown.page.getByLabel('Id of the entity').fill('u1');
    await shown.click('Look up');
    await shown.page.getByRole('region', { name: 'Features of u1' }).getByText('"gold"').waitFor();
    expect(shown.path).toBe('/features/shop/profile?id=u1');
    await shown.isAccessible();
    await shown.page.getByLabel('Id of the entity').fill('u9');
    await shown.click('Look up');
    await shown.page.getByText('Its values are null: missing.').waitFor();
    await shown.go('/features/shop/nothing');
    await shown.says('nothing is not known here');
  });

  it('show the drift of a view from its baseline', async () => {
    await open('/features');
    const land = await makeStore();
    await land(300, 1_000);
    expect((await served.ask('PUT', '/v1/features/shop/views/profile/baseline')).status).toBe(200);
    await land(300, 0);
    await shown.go('/features/shop/profile');
    await expect.poll(async () => (await shown.rows('Drift'))[0]).toMatch(/spent\s+changed/);
    expect((await shown.rows('Drift'))[1]).toMatch(/tier\s+stable/);
    await shown.page.getByRole('img', { name: /^Shares of spent by tenths of the baseline/ }).waitFor();
    await shown.isAccessible();
    await shown.click('Keep as baseline');
    await shown.told(/baseline is taken/);
    await expect.poll(async () => (await shown.rows('Drift'))[0]).toMatch(/spent\s+stable\s+0\s/);
  });

  it('lead from an index to its generations, and find what is near to a vector', async () => {
    await open('/vectors');
    await shown.says('There is no index yet');
    await makeIndex();
    await shown.says('1 index, 1 entry');
    await shown.isAccessible();
    await shown.follow('kb');
    await shown.says('kb has 1 document, and nothing is behind');
    await expect.poll(async () => (await shown.rows('Generations'))[0]).toMatch(/live/);
    await shown.page.getByLabel(/The vector/).fill('1, 0, x');
    await shown.click('Search');
    await shown.told(/A vector is numbers/);
    await shown.page.getByLabel(/The vector/).fill('[1, 0, 0]');
    await shown.click('Search');
    await expect.poll(async () => (await shown.rows('Hits'))[0]).toMatch(/apple/);
    expect(shown.path).toBe('/vectors/kb?vector=%5B1%2C+0%2C+0%5D');
    await shown.isAccessible();
    await shown.page.getByLabel(/The vector/).fill('1, 0');
    await shown.click('Search');
    await shown.page
      .getByText(/dimension/i)
      .last()
      .waitFor();
  });

  it('find what is near to a document, has words, or matches a filter', async () => {
    const index = createIndex({
      ...{ redis: url(), name: 'kb', vectors: { dimensions: 2 } },
      ...{ schema: { kind: 'tag' }, keywords: {} },
    });
    later(() => index.close());
    await index.put({ id: 'apple', vector: [1, 0], text: 'red', attributes: { kind: 'fruit' } });
    await index.put({ id: 'pear', vector: [0.9, 0.1], text: 'sweet', attributes: { kind: 'fruit' } });
    await open('/vectors/kb?vector=1,0&limit=5', { definitions: { indexes: [index] } });
    await expect.poll(async () => (await shown.rows('Hits')).length).toBe(2);
    await shown.page.getByRole('button', { name: 'Near to apple' }).click();
    await expect.poll(() => shown.path).toBe('/vectors/kb?limit=5&like=apple');
    await expect.poll(() => shown.rows('Hits')).toHaveLength(1);
    expect((await shown.rows('Hits'))[0]).toMatch(/pear/);
    await shown.page.getByLabel(/a filter/).fill('{"kind":');
    await shown.click('Search');
    await shown.told(/A filter is JSON/);
    await shown.page.getByLabel(/a filter/).fill('{"kind":"tree"}');
    await shown.click('Search');
    await shown.page.getByText(/Nothing was found/).waitFor();
    await shown.page.getByLabel('Look for what is near to').selectOption('text');
    await shown.page.getByLabel(/The words/).fill('sweet');
    await shown.page.getByLabel(/a filter/).fill('');
    await shown.click('Search');
    await expect.poll(async () => (await shown.rows('Hits'))[0]).toMatch(/pear/);
    expect(shown.path).toBe('/vectors/kb?limit=5&text=sweet');
    await shown.isAccessible();
  });

  it('show only what the key may read', async () => {
    await makeStore();
    await makeIndex();
    const { file, keys } = keysOf({ ann: ['features:read=other', 'vectors:read=other'] });
    served = await serve({ keys: file });
    expect((await served.ask('GET', '/v1/features', { key: keys.ann })).body).toEqual({ stores: [] });
    expect((await served.ask('GET', '/v1/indexes', { key: keys.ann })).body).toEqual({ indexes: [] });
  });
});

describe('who looks', () => {
  it('signs in with a key, sees what it may see, and signs out', async () => {
    await queueOf('images').add({ url: 'secret' }, { id: 'cat' });
    await queueOf('mails').add({ to: 'secret' });
    const { file, keys } = keysOf({ ann: ['queues:read=images'] });
    await open('/queues/images', { keys: file });
    await shown.says('Sign in');
    await shown.isAccessible();
    await shown.page.getByLabel('Key').fill('hf_x_wrong');
    await shown.click('Sign in');
    await shown.told(/not one that this server accepts/);
    await shown.page.getByLabel('Key').fill(keys.ann);
    await shown.click('Sign in');
    await shown.says(/images needs attention/);
    await expect.poll(() => shown.rows('Waiting tasks')).toHaveLength(1);
    expect(await shown.page.getByRole('button', { name: /Cancel|Remove|Pause|Add/ }).count()).toBe(0);
    await shown.page.getByText('read only').waitFor();
    await shown.follow('Queues');
    await shown.says('1 queue, 1 waiting task; 1 needs attention');
    expect(await shown.page.content()).not.toContain('secret');
    const cookies = await shown.page.context().cookies();
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);
    await shown.follow('Settings');
    await shown.says('You are ann');
    await shown.isAccessible();
    await shown.click('Sign out');
    await shown.says('Sign in');
    expect(await shown.page.context().cookies()).toEqual([]);
  });

  it('signs in by the issuer, where there is one', async () => {
    const provider = await startProvider();
    later(() => provider[Symbol.asyncDispose]());
    provider.person = { sub: 'eve', groups: ['ops'] };
    const groups = fileOf({ groups: { ops: ['*'] } });
    const own = 'http://127.0.0.1:7400';
    const signIn = { clientId: 'dashboard', clientSecret: fileOf('client-secret\n'), url: own };
    await open('/queues', { issuer: { url: provider.url, audience: 'holdfast', groups, signIn } });
    // The server is not at the address that it was told: its port is not known before.
    await shown.page.route(`${own}/**`, (route) =>
      route.fulfill({ status: 302, headers: { location: route.request().url().replace(own, served.url) } }),
    );
    await shown.says('Sign in');
    await shown.isAccessible();
    await shown.follow('Sign in with your account');
    await shown.says('Nothing has been done here yet');
    await shown.follow('Settings');
    await shown.says(/You are .*#eve/);
  });

  it('lets no page of another origin use the cookie', async () => {
    const { file, keys } = keysOf({ ann: ['*'] });
    served = await serve({ keys: file });
    const signedIn = await served.ask('POST', '/v1/session', { key: keys.ann });
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
    expect(cookie).not.toContain(keys.ann.slice(-20));
    const ask = (headers: Record<string, string>) =>
      served.ask('POST', '/v1/queues/images:pause', { headers: { cookie, ...headers } });
    expect((await ask({})).status).toBe(403);
    expect((await ask({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask({ origin: served.url })).status).toBe(204);
    expect((await ask({ origin: served.url, cookie: `${cookie}x` })).status).toBe(401);
    const again = await served.ask('POST', '/v1/session', { headers: { cookie, origin: served.url } });
    expect(again.headers.get('set-cookie')).toBeNull();
  });
});
