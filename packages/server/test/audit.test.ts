/** The audit trail, and servers that are read-only. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServerKey } from '@holdfast/server';
import { expect, test } from 'vitest';
import { fileOf, keysOf, serve, useRedis } from './setting.js';

useRedis();

interface Line {
  readonly operation: string;
  readonly [field: string]: unknown;
}

const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test('who changed what is in the trail, with the outcome, and nothing secret is', async () => {
  const file = `${fileOf('')}.audit`;
  const { file: list, keys } = keysOf({ shop: ['queues:write=images', 'queues:read', 'locks:*'], nosy: [] });
  const { ask } = await serve({ keys: list, audit: { file } });
  const key = keys.shop;
  const data = 'planted-secret';
  await ask('POST', '/v1/queues/images/tasks', { key, body: { data } });
  await ask('GET', '/v1/queues/images', { key });
  await ask('POST', '/v1/queues/bank/tasks', { key, body: { data } });
  await ask('POST', '/v1/queues/images/tasks', { key: 'hf_wrong_planted-secret', body: { data } });
  const { body } = await ask('POST', '/v1/locks/a%23%2F1/leases', { key, body: {} });
  expect(body.code).toBe('HOLDFAST_MISUSE');
  const { lease } = (await ask('POST', '/v1/locks/a:1/leases', { key, body: {} })).body;
  await ask('DELETE', '/v1/leases', { key, headers: { 'holdfast-lease': lease } });
  await expect.poll(() => linesOf(file).length).toBe(7);
  const by = { subject: 'shop', key: key.split('_')[1], address: '127.0.0.1' };
  expect(linesOf(file)).toMatchObject([
    { operation: 'keys.read', names: { keys: '2' } },
    { ...by, operation: 'queues.add', names: { queue: 'images' }, status: 201, made: expect.any(String) },
    { ...by, operation: 'queues.add', names: { queue: 'bank' }, status: 403, code: 'HOLDFAST_FORBIDDEN' },
    { operation: 'queues.add', status: 401, address: '127.0.0.1' },
    { ...by, operation: 'leases.acquire', names: { name: 'a#/1' }, status: 400 },
    { ...by, operation: 'leases.acquire', names: { name: 'a:1' }, status: 201 },
    { ...by, operation: 'leases.release', status: 204 },
  ]);
  expect(Date.parse(String(linesOf(file)[1]?.['time']))).toBeGreaterThan(Date.now() - 600_000);
  const text = readFileSync(file, 'utf8');
  for (const secret of [data, key, lease]) expect(text).not.toContain(secret);
});

test('the trail goes on where it was, and takes no more room than it may', async () => {
  const file = `${fileOf('')}.audit`;
  writeFileSync(file, '{"operation":"before"}\n');
  const { ask } = await serve({ audit: { file, most: 1_024 } });
  for (let index = 0; index < 20; index += 1)
    await ask('POST', '/v1/queues/images/tasks', { body: { data: index, id: `t${index}` } });
  await expect.poll(() => linesOf(file).at(-1)?.['made']).toBe('t19');
  const both = [...linesOf(`${file}.1`), ...linesOf(file)].map(({ made }) => made);
  expect(both.slice(-5)).toEqual(['t15', 't16', 't17', 't18', 't19']);
  expect(statSync(file).size).toBeLessThanOrEqual(1_024);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(1_024);
  expect(existsSync(`${file}.2`)).toBe(false);
});

test('where the trail is required and cannot be written, nothing is changed', async () => {
  const folder = `${fileOf('')}.d`;
  await expect(serve({ audit: { file: `${folder}/audit`, required: true } })).rejects.toThrow(/audit trail/);
  const file = `${fileOf('')}.audit`;
  const { ask } = await serve({ audit: { file, most: 1_024, required: true } });
  const add = (n: number) =>
    ask('POST', '/v1/queues/images/tasks', { body: { data: n, id: `t${n}` } }).then(({ status }) => status);
  mkdirSync(`${file}.1/in-the-way`, { recursive: true });
  let added = 0;
  await expect
    .poll(async () => {
      const status = await add(added);
      if (status === 201) added += 1;
      return status;
    })
    .toBe(503);
  expect((await ask('GET', '/v1/queues/images')).body.waiting).toBe(added);

  // What was done meanwhile is in the trail once there is room.
  rmSync(`${file}.1`, { recursive: true });
  expect(await add(added)).toBe(201);
  await expect.poll(() => linesOf(file).at(-1)?.['made']).toBe(`t${added}`);
  const made = [...linesOf(`${file}.1`), ...linesOf(file)].flatMap((line) => line['made'] ?? []);
  expect(made).toEqual(Array.from({ length: added + 1 }, (_, n) => `t${n}`));
});

test('a server that is read-only changes nothing, but lets holders go on; a file says so while it runs', async () => {
  const { file, keys } = keysOf({ all: ['*'] });
  const key = keys.all;
  const serverKey = fileOf(createServerKey());
  const { ask } = await serve({ keys: file, serverKey });
  const add = { key, body: { data: 1 } };
  expect((await ask('POST', '/v1/queues/q/tasks', add)).status).toBe(201);
  const { lease } = (await ask('POST', '/v1/locks/a:1/leases', { key, body: { ttl: 20_000 } })).body;
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), readOnly: true }));
  await expect
    .poll(async () => (await ask('POST', '/v1/queues/q/tasks', add)).status, { timeout: 30_000 })
    .toBe(403);
  const refused = await ask('POST', '/v1/locks/a:2/leases', { key, body: {} });
  expect(refused.body).toMatchObject({
    code: 'HOLDFAST_FORBIDDEN',
    detail: expect.stringContaining('read-only'),
  });
  expect((await ask('GET', '/v1/queues/q', { key })).status).toBe(200);
  const held = { key, headers: { 'holdfast-lease': lease } };
  expect((await ask('PATCH', '/v1/leases', { ...held, body: {} })).status).toBe(200);
  expect((await ask('DELETE', '/v1/leases', held)).status).toBe(204);
  writeFileSync(file, JSON.stringify({ keys: [] }));
  await expect
    .poll(async () => (await ask('GET', '/v1/queues/q', { key })).status, { timeout: 30_000 })
    .toBe(401);

  const always = await serve({ readOnly: true });
  expect((await always.ask('POST', '/v1/queues/q/tasks', { body: { data: 1 } })).status).toBe(403);
  rmSync(file);
});
