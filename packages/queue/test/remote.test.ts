/** Deliveries to programs elsewhere, known by their sessions and places alone, on a real server. */
import { LeaseLostError, type Queue } from '@holdfast/queue';
import {
  type ClaimRequest,
  type DeliveryRef,
  openRemote,
  type Remote,
  type RemoteClaim,
} from '@holdfast/queue/remote';
import { beforeEach, expect, test } from 'vitest';
import { eventually, later, queueOf, useRedis } from './setting.js';

useRedis();

let queue: Queue;
let remote: Remote;
const never = new AbortController().signal;

beforeEach(() => {
  queue = queueOf();
  remote = remoteOf(queue);
});

/** As another process would have it. */
function remoteOf(of: Queue): Remote {
  const opened = openRemote(of);
  later(() => opened.close());
  return opened;
}

const request = (options: Partial<ClaimRequest> = {}): ClaimRequest => ({
  ...{ session: 'w.1', lease: 30_000, most: 1, wait: 0, signal: never },
  ...options,
});

async function claim(options: Partial<ClaimRequest> = {}): Promise<RemoteClaim['deliveries'][0]> {
  const claimed = await remote.claim(request(options));
  expect(claimed).toBeDefined();
  return claimed?.deliveries[0] as RemoteClaim['deliveries'][0];
}

test('a task is completed by another process than the one that claimed it, and again without effect', async () => {
  const { id } = await queue.add({ n: 1 }, { key: 'k' });
  const task = await claim();
  expect(task).toMatchObject({ id, data: { n: 1 }, attempt: 1, issuer: 'queue:q', key: 'k' });
  const other = remoteOf(queueOf());
  expect(await other.complete(task.ref, 'done')).toBe('finished');
  expect(await remote.complete(task.ref, 'twice')).toBe('repeated');
  expect(await queue.get(id)).toMatchObject({ state: 'completed', result: 'done', worker: 'w.1' });
  expect((await queue.counts()).workers).toBe(0);
});

test('a claim that is repeated has the same tasks, under a higher token, and no others', async () => {
  await queue.addMany([{ data: 1 }, { data: 2 }, { data: 3 }]);
  const first = await remote.claim(request({ most: 2 }));
  const again = await remoteOf(queueOf()).claim(request({ most: 2 }));
  expect(again?.deliveries.map(({ data }) => data)).toEqual([1, 2]);
  expect(again?.deliveries[0]?.token).toBeGreaterThan(first?.deliveries[0]?.token ?? 0);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 2 });
});

test('what is unique until it has begun, or has ended, is so no longer; and a fan-in goes on', async () => {
  const unique = (until: 'begun' | 'ended') => ({ deduplicate: { key: until, until } });
  await queue.add(1, unique('begun'));
  const first = await claim({ session: 'w.2' });
  expect(await queue.add(2, unique('begun'))).toMatchObject({ added: true });
  expect(await remote.complete(first.ref, 1)).toBe('finished');
  await remote.complete((await claim({ session: 'w.3' })).ref, 2);

  await queue.add(3, unique('ended'));
  const second = await claim({ session: 'w.4' });
  expect(await queue.add(4, unique('ended'))).toMatchObject({ added: false });
  expect(await remote.complete(second.ref, 3)).toBe('finished');
  expect(await queue.add(5, unique('ended'))).toMatchObject({ added: true });
  await remote.fail((await claim({ session: 'w.5' })).ref, new Error('no'), { retry: false });
  expect(await queue.add(6, unique('ended'))).toMatchObject({ added: true });
  await remote.complete((await claim({ session: 'w.6' })).ref, 6);

  await queue.addMany([{ data: 7 }], { followUp: { data: 'all', options: { id: 'all' } } });
  await remote.complete((await claim({ session: 'w.7' })).ref, 7);
  expect(await claim({ session: 'w.8' })).toMatchObject({ id: 'all', data: 'all' });
  for await (const outcome of queue.outcomes('all')) expect(outcome).toMatchObject({ result: 7 });
});

test('a failed attempt is tried again, and the last one makes a dead letter with the errors', async () => {
  const { id } = await queue.add(1, { attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const first = await claim();
  expect(await remote.fail(first.ref, new Error('one'), { retry: true })).toBe('finished');
  expect(await remote.fail(first.ref, new Error('one'), { retry: true })).toBe('repeated');
  const second = await claim({ session: 'w.2', wait: 20_000 });
  expect(second).toMatchObject({ id, attempt: 2 });
  await remote.fail(second.ref, new Error('two'), { retry: true });
  expect(await queue.get(id)).toMatchObject({
    state: 'dead',
    errors: [
      { message: 'one', worker: 'w.1' },
      { message: 'two', worker: 'w.2' },
    ],
  });
});

test('an error that is not to be tried again makes a dead letter at once', async () => {
  const { id } = await queue.add(1);
  await remote.fail((await claim()).ref, new Error('never'), { retry: false });
  expect(await queue.get(id)).toMatchObject({ state: 'dead', errors: [{ message: 'never' }] });
});

test('whoever has lost the lease ends nothing, and is told so', async () => {
  const { id } = await queue.add(1);
  const task = await claim({ lease: 100 });
  const successor = await claim({ session: 'w.2', wait: 20_000 });
  expect(successor).toMatchObject({ id, attempt: 2 });
  expect(successor.token).toBeGreaterThan(task.token);
  await expect(remote.complete(task.ref, 1)).rejects.toBeInstanceOf(LeaseLostError);
  await expect(remote.extend(task.ref)).rejects.toBeInstanceOf(LeaseLostError);
  await expect(remote.progress(task.ref, 1)).rejects.toBeInstanceOf(LeaseLostError);
  await expect(remote.log(task.ref, 'line')).rejects.toBeInstanceOf(LeaseLostError);
  expect(await remote.complete(successor.ref, 2)).toBe('finished');
  await expect(remote.fail(task.ref, new Error('late'), { retry: true })).rejects.toThrow('completed by now');
});

test('a claim that waits is woken by an add, one for each task', async () => {
  const waiting = ['a', 'b', 'c'].map((name) =>
    remote.claim(request({ session: `w.${name}`, wait: 20_000 })),
  );
  await eventually(async () => (await queue.counts()).workers, 3);
  await queue.addMany([{ data: 1 }, { data: 2 }, { data: 3 }]);
  const claimed = await Promise.all(waiting);
  expect(claimed.map((one) => one?.deliveries[0]?.data).sort()).toEqual([1, 2, 3]);
});

test('a claim that waits in vain, or is aborted, leaves nothing', async () => {
  expect(await remote.claim(request({ wait: 50 }))).toBeUndefined();
  const gone = new AbortController();
  const claimed = remote.claim(request({ wait: 20_000, signal: gone.signal }));
  await eventually(async () => (await queue.counts()).workers, 1);
  gone.abort();
  expect(await claimed).toBeUndefined();
  expect((await queue.counts()).workers).toBe(0);
});

test('what is handed back is given to others at once, and is no attempt', async () => {
  await queue.add(1);
  await remote.handBack((await claim()).ref);
  expect(await claim({ session: 'w.2' })).toMatchObject({ data: 1, attempt: 1 });
});

test('a task that was cancelled meanwhile ends as cancelled', async () => {
  const { id } = await queue.add(1);
  const { ref } = await claim();
  await queue.cancel(id, { reason: 'not needed' });
  expect((await remote.extend(ref)).cancelled).toBe('not needed');
  expect(await remote.complete(ref, 1)).toBe('cancelled');
  expect(await queue.get(id)).toMatchObject({ state: 'cancelled', reason: 'not needed' });
});

test('schedules tick where all workers are elsewhere', async () => {
  await queue.schedule('often', 'tick', { every: 100 });
  expect(await claim({ wait: 20_000 })).toMatchObject({ data: 'tick' });
});

test('progress and lines are those of the task; one that expired is given up', async () => {
  const { id } = await queue.add(1);
  await queue.add(2, { expires: 1 });
  const { ref } = await claim();
  await remote.progress(ref, { half: true });
  await remote.log(ref, 'a line');
  expect(await queue.get(id)).toMatchObject({ state: 'active', progress: { half: true } });
  expect(await queue.log(id)).toMatchObject([{ text: 'a line', attempt: 1 }]);
  expect(await remote.claim(request({ session: 'w.2' }))).toBeUndefined();
  expect((await queue.list('dead')).tasks).toMatchObject([{ data: 2 }]);
});

test('tasks of kinds that a program does not know are left to others, at no attempt', async () => {
  const { id: other } = await queue.add('o', { kind: 'other', attempts: 1 });
  const { id: none } = await queue.add('n');
  await queue.add('m', { kind: 'mail', key: 'k' });
  const claimed = await remote.claim(request({ most: 3, kinds: ['mail', 'print'] }));
  expect(claimed?.deliveries).toMatchObject([{ data: 'm', kind: 'mail', key: 'k', attempt: 1 }]);
  await remote.complete(claimed?.deliveries[0]?.ref as DeliveryRef, 'sent');
  for (const id of [other, none]) expect(await queue.get(id)).toMatchObject({ state: 'delayed' });
  expect(await remote.claim(request({ session: 'w.2', most: 3, kinds: ['mail'] }))).toBeUndefined();
  await queue.promote(other);
  const task = await claim({ session: 'w.3' });
  expect(task).toMatchObject({ data: 'o', kind: 'other', attempt: 1 });
  expect(await remote.complete(task.ref, 'done')).toBe('finished');
});

test('a follow-up for another queue is handed over, and given to no program that works on this one', async () => {
  const other = queueOf({ name: 'other' });
  const followUp = { data: 'then', queue: other, options: { id: 'after' } };
  await queue.addMany([{ data: 1 }], { followUp });
  await remote.complete((await claim()).ref, 'one');
  expect(await remote.claim(request({ session: 'w.2' }))).toBeUndefined();
  expect(await queue.get('after')).toMatchObject({ state: 'completed' });
  const elsewhere = await remoteOf(other).claim(request({ session: 'w.3' }));
  expect(elsewhere?.deliveries).toMatchObject([{ id: 'after', data: 'then' }]);
});
