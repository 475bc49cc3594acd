/** A real PostgreSQL: it starts empty, answers, and leaves nothing behind. */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { startPostgres } from '@holdfast/local/postgres';
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { expectGone, processState } from './machine.js';

async function ask(url: string, text: string): Promise<unknown> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

it('answers while it runs, and is gone after stop', async () => {
  const server = await startPostgres({ settings: { max_connections: '7' } });
  expect(await ask(server.url, 'SHOW max_connections')).toBe('7');
  expect(await ask(server.url, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`)).toBe('0');
  expect(processState(server.pid)).toBeDefined();
  await Promise.all([server.stop(), server.stop()]);
  await expectGone([server.pid]);
  await expect(ask(server.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
});

it('says what the server said when it does not start', async () => {
  const refused = startPostgres({ settings: { max_connections: 'many' } });
  await expect(refused).rejects.toThrow(UnavailableError);
  await expect(refused).rejects.toThrow(/max_connections/);
});

it.each([
  [{ port: 5432 }, '"port"'],
  [{ settings: { fsync: true } }, 'got true'],
  [{ settings: { port: '5432' } }, 'port is not yours'],
  [{ readyTimeout: 0 }, 'got 0'],
])('options %j are refused', async (options, message) => {
  const refused = startPostgres(options as never);
  await expect(refused).rejects.toThrow(MisuseError);
  await expect(refused).rejects.toThrow(message);
});
