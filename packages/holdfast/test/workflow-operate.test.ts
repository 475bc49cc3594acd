/** `holdfast workflow`: what it does to the runs of a real app, and how it follows them. */
import { afterEach, expect, test } from 'vitest';
import { begin, broken, letter, order, useShop } from './shop.js';

const shop = useShop();
const call = (...words: string[]) => begin(shop.url, words).ended;
const sleeping = async () => (await shop.app.counts()).sleeping;

afterEach(async () => {
  await shop.app.terminateMany();
  await shop.app.purge();
});

test('lists what people are asked to approve, and answers it', async () => {
  await shop.app.start(letter, 'bob', { id: 'l1', key: 'k' });
  await expect.poll(sleeping).toBe(1);
  const listed = await call('approvals');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(
    /^workflow +id +key +approval +to +show\nletter +l1 +k +send +eve +\{"to":"bob"\}\n$/,
  );
  expect((await call('approvals', 'order')).stdout).toMatch(/^workflow .*\n$/);
  const one = await call('approvals', 'letter', 'l1', '--key', 'k', '--json');
  expect(JSON.parse(one.stdout)).toMatchObject([{ id: 'l1', approval: { name: 'send', to: 'eve' } }]);
  expect((await call('show', 'letter', 'l1', '--key', 'k')).stdout).toMatch(/\napprove +\{"name":"send"/);
  const approve = ['approve', 'letter', 'l1', 'send', '--key', 'k', '--by', 'eve'];
  expect(await call(...approve)).toEqual({ code: 0, stdout: '"send" of l1 was answered.\n', stderr: '' });
  await shop.app.get(letter, 'l1', { key: 'k' }).result();
  expect(await call(...approve)).toMatchObject({ code: 1, stdout: expect.stringContaining('does not ask') });
});

test('cancels, terminates, retries and purges one run', async () => {
  await shop.app.start(order, { id: 'o1' }, { id: 'o1' });
  await expect.poll(sleeping).toBe(1);
  expect(await call('cancel', 'order', 'o1', '--reason', 'no')).toMatchObject({
    code: 0,
    stdout: 'o1 was asked to end.\n',
  });
  const run = shop.app.get(order, 'o1');
  await expect.poll(() => run.status()).toEqual({ status: 'cancelled', reason: 'no' });
  expect(await call('cancel', 'order', 'o1')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/not asked to end/),
  });
  expect(await call('retry', 'order', 'o1', '--step', 'price')).toMatchObject({ code: 0 });
  await expect.poll(sleeping).toBe(1);
  expect(await call('purge', 'order', 'o1')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/not erased/),
  });
  expect(await call('terminate', 'order', 'o1', '--json')).toMatchObject({
    code: 0,
    stdout: '{"done":true}\n',
  });
  expect(await run.status()).toMatchObject({ status: 'cancelled' });
  expect(await call('purge', 'order', 'o1')).toMatchObject({ code: 0, stdout: 'o1 was erased.\n' });
  expect(await call('show', 'order', 'o1')).toMatchObject({ code: 64 });
});

test('acts on all runs that a filter gives, and on none without', async () => {
  for (let n = 0; n < 5; n += 1) await shop.app.start(order, { id: `${n}` }, { id: `${n}` });
  for (let n = 0; n < 3; n += 1) await shop.app.start(broken, null, { id: `${n}` });
  await expect.poll(sleeping).toBe(5);
  await expect.poll(async () => (await shop.app.counts()).failed).toBe(3);
  for (const verb of ['cancel', 'terminate', 'retry', 'purge']) {
    expect(await call(verb, 'order')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/or give --state, --from, --to or --all/),
    });
  }
  expect((await call('retry', 'broken', '--state', 'failed')).stdout).toBe(
    '3 runs were retried, 0 passed over.\n',
  );
  await expect.poll(async () => (await shop.app.counts()).failed).toBe(3);
  expect((await call('terminate', '--state', 'sleeping', '--from', '1h', '--json')).stdout).toBe(
    '{"done":5,"passed":0}\n',
  );
  expect((await call('cancel', '--state', 'sleeping')).stdout).toBe(
    '0 runs were asked to end, 0 passed over.\n',
  );
  expect((await call('purge', '--all')).stdout).toBe('8 runs were erased, 0 passed over.\n');
  expect(await shop.app.counts()).toMatchObject({ cancelled: 0, failed: 0 });
});

test('forks a run, pauses and resumes a workflow', async () => {
  await shop.app.start(order, { id: 'o1' }, { id: 'o1' });
  await expect.poll(sleeping).toBe(1);
  expect((await call('pause', 'order')).stdout).toContain('No worker has runs of "order"');
  expect((await call('ls')).stdout).toMatch(/\norder .* paused\n?/);
  const forked = await call('fork', 'order', 'o1', '--step', 'price', '--as', 'o2');
  expect(forked).toEqual({ code: 0, stdout: 'o2 was started, with the key o1.\n', stderr: '' });
  expect((await shop.app.get(order, 'o2', { key: 'o1' }).status()).status).toBe('waiting');
  expect((await call('resume', 'order')).code).toBe(0);
  await expect.poll(sleeping).toBe(2);
});

test('sets, lists and removes schedules', async () => {
  const set = ['schedule', 'nightly', 'order', '--cron', '0 3 * * *', '--input', '{"id":"s"}'];
  expect(await call(...set)).toMatchObject({ code: 0, stdout: '"nightly" starts runs of "order".\n' });
  expect((await call('schedule', 'often', 'order', '--every', '1h', '--json')).stdout).toBe(
    '{"scheduled":"often"}\n',
  );
  expect((await call('schedule')).stdout).toMatch(
    /^name .*\n(.*\n)?nightly +order +0 3 \* \* \* +\d{4}\S+ +\{"id":"s"\}\n/,
  );
  expect((await call('schedule')).stdout).toMatch(/\noften +order +every 1h +\d{4}/);
  for (const name of ['nightly', 'often']) expect((await call('schedule', name, '--remove')).code).toBe(0);
  expect(await call('schedule', 'nightly', '--remove')).toMatchObject({ code: 64 });
  expect(await call('schedule', 'nightly', 'order')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/either cron/),
  });
  expect(await shop.app.schedules()).toEqual([]);
});

test('follows events until it is interrupted, of all or of one workflow', async () => {
  const all = begin(shop.url, ['tail']);
  const letters = begin(shop.url, ['tail', 'letter', '--json']);
  await expect
    .poll(async () => {
      await shop.app.run(broken, null).catch(() => {});
      return all.output.stdout;
    })
    .toMatch(/Z {2}started {2}broken {2}\S+\n\d{4}-\S+Z {2}ended {4}broken {2}\S+ {2}failed\n/);
  await shop.app.start(letter, 'bob', { id: 'l1' });
  await expect.poll(() => letters.output.stdout).toMatch(/"waiting",.*"waitsFor":\["approve:send/);
  await expect.poll(() => all.output.stdout).toMatch(/waiting {2}letter {2}l1 {2}approve:send/);
  expect(letters.output.stdout).not.toContain('broken');
  for (const going of [all, letters]) {
    going.interrupt();
    expect(await going.ended).toMatchObject({ code: 0, stderr: '' });
  }
  const past = begin(shop.url, ['tail', '--oldest']);
  await expect.poll(() => past.output.stdout).toContain('ended    broken');
  past.interrupt();
  await past.ended;
});

test('follows a stream of a run to its end', async () => {
  const run = await shop.app.start(letter, 'bob', { id: 'l2' });
  const following = begin(shop.url, ['tail', 'letter', 'l2', '--stream', 'text']);
  await expect.poll(() => run.approve('send', true)).toBe(true);
  expect(await following.ended).toEqual({ code: 0, stdout: 'Dear bob\n', stderr: '' });
  const marks = await call('tail', 'letter', 'l2', '--stream', 'marks');
  expect(marks).toEqual({ code: 0, stdout: '{"approved":true}\n', stderr: '' });
  expect(await call('tail', 'letter', 'l9', '--stream', 'text')).toMatchObject({ code: 64 });
});

test('tells Prometheus how much there is to do, once and when asked', async () => {
  await shop.app.start(order, { id: 'o1' }, { id: 'o1', delay: 3_600_000 });
  const written = await call('metrics');
  expect(written).toMatchObject({ code: 0, stderr: '' });
  expect(written.stdout).toContain('# TYPE holdfast_workflow_demand gauge\n');
  expect(written.stdout).toContain('holdfast_workflow_demand{workflow="order"} 0\n');
  const serving = begin(shop.url, ['metrics', '--listen', '0']);
  await expect.poll(() => serving.output.stdout).toMatch(/http:/);
  const [address = ''] = /http:\S+/.exec(serving.output.stdout) ?? [];
  expect(await (await fetch(address)).text()).toContain('holdfast_workflow_takeovers{workflow="letter"} 0\n');
  serving.interrupt();
  expect((await serving.ended).code).toBe(0);
});
