/** The archive of an app: runs that are over go only once it has them. */
import { createRedisGuard } from '@holdfast/fence/redis';
import { type ArchivedRun, defineWorkflow, MisuseError, RunGoneError } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

const DAY = 86_400_000;
const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number) => ctx.step('first', () => n));

it('gives each run that is over to the archive when its time to be kept is over, and then forgets it', async () => {
  const archived: ArchivedRun[] = [];
  const test = testWorkflows({ workflows: [flow], retain: DAY, archive: (run) => archived.push(run) });
  expect(await test.run(flow, 1, { id: 'one' })).toBe(1);
  expect(await test.run(flow, 2, { id: 'two', key: 'k' })).toBe(2);
  await test.pass(0.9 * DAY);
  expect(archived).toEqual([]);
  await test.pass(2 * DAY);
  expect(archived).toMatchObject([
    {
      workflow: 'flow',
      id: 'one',
      key: undefined,
      records: [{ kind: 'header', input: 1 }, { kind: 'done' }, { kind: 'end' }],
    },
    { workflow: 'flow', id: 'two', key: 'k', records: [{ input: 2 }, { value: 2 }, { kind: 'end' }] },
  ]);
  const [first] = archived;
  const { records = [] } = first ?? {};
  for (const record of records) if ('token' in record) expect(record.token).toBeLessThan(first?.token ?? 0);
  for (const { id, key } of archived) {
    const run = test.workflows.get(flow, id, key ? { key } : {});
    await expect(test.until(run.status())).rejects.toThrow(RunGoneError);
  }
});

it('gives a run again whose archive has failed, and keeps it for 30 days meanwhile', async () => {
  const times: number[] = [];
  const told: unknown[] = [];
  let isBroken = true;
  const test = testWorkflows({
    workflows: [flow],
    retain: DAY,
    archive: () => {
      times.push(test.now());
      if (isBroken) throw new Error('no space');
    },
    onError: (error) => told.push(error),
  });
  const run = await test.until(test.workflows.start(flow, 1));
  await test.until(run.result());
  await test.pass(4 * DAY);
  expect(times.length).toBeGreaterThan(3);
  expect(told).toEqual([expect.objectContaining({ message: 'no space' })]);
  expect(test.worker.problem).toContain('no space');
  expect(await test.until(run.status())).toMatchObject({ status: 'completed' });
  isBroken = false;
  await test.pass(DAY);
  expect(test.worker.problem).toBe(undefined);
  await expect(test.until(run.status())).rejects.toThrow(RunGoneError);
  isBroken = true;
  const other = await test.until(test.workflows.start(flow, 1));
  await test.until(other.result());
  await test.pass(32 * DAY);
  await expect(test.until(other.status())).rejects.toThrow(RunGoneError);
});

it('says of an archive that does not answer, which keeps no other runs waiting', async () => {
  const given = new Set<string>();
  const test = testWorkflows({
    workflows: [flow],
    retain: DAY,
    archive: ({ id }) => (given.add(id).size > 16 && id === 'r16') || new Promise(() => {}),
    onError: () => {},
  });
  const ids = Array.from({ length: 17 }, (_, n) => `r${n}`);
  for (const id of ids) await test.run(flow, 1, { id });
  await test.pass(3 * DAY);
  expect([...given].sort()).toEqual([...ids].sort());
  expect(test.worker.problem).toMatch(/its archive has failed: .* took too long/);
});

it('is fenced: an archive that is late writes nothing once another has the run', async () => {
  const guard = createRedisGuard({ redis: url() });
  later(() => guard.close());
  await guard.initialize();
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const ends: unknown[] = [];
  const archive = async (run: ArchivedRun): Promise<void> => {
    const isFirst = ends.push('begun') === 1;
    if (isFirst) await gate;
    try {
      const sealed = await guard.seal(run, { resource: 'archive' });
      await sealed.write([['RPUSH', 'archive', run.id]]);
      ends.push('written');
    } catch (error) {
      ends.push((error as Error).name);
      throw error;
    }
  };
  const [slow, quick] = [0, 1].map(() => appOf([flow], { archive }));
  const worker = slow?.work({ lease: 300, onError: () => {} });
  const run = await appOf([flow]).start(flow, 1, { id: 'one' });
  expect(await run.result()).toBe(1);
  // As if its time to be kept were over; and then, as if 5 minutes had passed.
  const due = () => client().zadd('{wf:test.0}:archives', 1, 'flow/one/one');
  await due();
  await eventually(() => ends, ['begun']);
  await due();
  quick?.work({ lease: 300 });
  await eventually(() => ends, ['begun', 'begun', 'written']);
  await expect(run.status()).rejects.toThrow(RunGoneError);
  go();
  await eventually(() => ends.at(-1), 'StaleTokenError');
  expect(await client().lrange('archive', 0, -1)).toEqual(['one']);
  expect(worker?.problem).toContain('its archive has failed');
  expect(await client().keys('*flow*')).toEqual([]);
});

it('keeps the runs of a workflow for as long as that says', async () => {
  const brief = defineWorkflow({ name: 'brief', retain: 600_000 }, async (ctx) => ctx.receive('go'));
  const test = testWorkflows({ workflows: [flow, brief], retain: DAY });
  const [long, cut, ended] = [
    await test.until(test.workflows.start(flow, 1)),
    await test.until(test.workflows.start(brief, 1)),
    await test.until(test.workflows.start(brief, 1)),
  ];
  await test.until(cut.terminate());
  await test.until(ended.send('go'));
  await test.until(ended.result());
  await test.pass(0.1 * DAY);
  expect(await test.until(long.status())).toMatchObject({ status: 'completed' });
  for (const run of [cut, ended]) await expect(test.until(run.status())).rejects.toThrow(RunGoneError);
  expect(() => defineWorkflow({ name: 'x', retain: 1 }, async () => 1)).toThrow(MisuseError);
});

it('refuses what is no archive', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what programs in JavaScript may give.
  expect(() => appOf([flow], { archive: 'disk' as any })).toThrow(MisuseError);
});
