/** One link between a client and a server: passed, slow, held, dropped, cut, refused, one direction only. */
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { Link } from '../src/proxy/link.js';

/** An echo behind a link, and one connection through it. */
async function open() {
  const heard: string[] = [];
  const ends: Socket[] = [];
  const server = createServer((socket) => {
    ends.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      heard.push(data.toString());
      socket.write(`echo ${data}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const link = await Link.open(typeof address === 'object' ? (address?.port ?? 0) : 0);
  const said: string[] = [];
  const errors: string[] = [];
  const client = connect(link.port, '127.0.0.1');
  client.on('data', (data) => said.push(data.toString()));
  client.on('error', (error: NodeJS.ErrnoException) => errors.push(`${error.code}`));
  return {
    link,
    client,
    heard,
    said,
    errors,
    ends,
    async [Symbol.asyncDispose]() {
      client.destroy();
      link.close();
      for (const end of ends) end.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Long enough for what would pass to have passed: another connection, undisturbed, has made a round trip. */
async function roundTrip(): Promise<void> {
  await using other = await open();
  other.client.write('x');
  await vi.waitFor(() => expect(other.said.join('')).toBe('echo x'), 20_000);
}

describe('a link', () => {
  it('passes bytes and ends on, and delays them when it is slow', async () => {
    await using pair = await open();
    pair.client.write('one');
    await vi.waitFor(() => expect(pair.said).toEqual(['echo one']), 20_000);
    pair.link.set({ toServer: { delay: 100 }, toClient: { delay: 100 } });
    const began = performance.now();
    pair.client.write('two');
    await vi.waitFor(() => expect(pair.said.join('')).toBe('echo oneecho two'), 20_000);
    expect(performance.now() - began).toBeGreaterThan(195);
    pair.link.heal();
    pair.ends[0]?.end();
    await vi.waitFor(() => expect(pair.client.readableEnded).toBe(true), 20_000);
  });

  it('passes no more than its rate', async () => {
    await using pair = await open();
    pair.link.set({ toServer: { rate: 1_000 } });
    const began = performance.now();
    pair.client.write('x'.repeat(200));
    await vi.waitFor(() => expect(pair.heard.join('')).toHaveLength(200), 20_000);
    pair.client.write('y');
    await vi.waitFor(() => expect(pair.heard.join('')).toHaveLength(201), 20_000);
    expect(performance.now() - began).toBeGreaterThan(190);
  });

  it('held in one direction: what was said arrives at the healing', async () => {
    await using pair = await open();
    pair.client.write('one');
    await vi.waitFor(() => expect(pair.said).toEqual(['echo one']), 20_000);
    pair.link.set({ toClient: { blocked: 'held' } });
    pair.client.write('two');
    await vi.waitFor(() => expect(pair.heard).toEqual(['one', 'two']), 20_000);
    await roundTrip();
    expect(pair.said).toEqual(['echo one']);
    pair.link.heal();
    await vi.waitFor(() => expect(pair.said.join('')).toBe('echo oneecho two'), 20_000);
    expect(pair.errors).toEqual([]);
  });

  it('dropped: half-open, also when the server has gone, and reset at the healing', async () => {
    await using pair = await open();
    pair.client.write('one');
    await vi.waitFor(() => expect(pair.said).toEqual(['echo one']), 20_000);
    pair.link.set({ toServer: { blocked: 'dropped' }, toClient: { blocked: 'dropped' } });
    pair.client.write('two');
    pair.ends[0]?.resetAndDestroy();
    await roundTrip();
    expect(pair.heard).toEqual(['one']);
    expect(pair.client.readyState).toBe('open');
    pair.link.heal();
    await vi.waitFor(() => expect(pair.errors).toEqual(['ECONNRESET']), 20_000);
  });

  it('cut and refused: connections are reset, and new ones too until the healing', async () => {
    await using pair = await open();
    pair.client.write('one');
    await vi.waitFor(() => expect(pair.said).toEqual(['echo one']), 20_000);
    pair.link.cut();
    await vi.waitFor(() => expect(pair.errors).toEqual(['ECONNRESET']), 20_000);
    await vi.waitFor(() => expect(pair.ends[0]?.destroyed).toBe(true), 20_000);
    pair.link.set({ refused: true });
    const again = connect(pair.link.port, '127.0.0.1');
    await expect(new Promise((_, reject) => again.once('error', reject))).rejects.toThrow(/ECONNRESET/);
    pair.link.heal();
    const third = connect(pair.link.port, '127.0.0.1');
    const answer = new Promise((resolve) => third.once('data', (data) => resolve(String(data))));
    third.write('three');
    expect(await answer).toBe('echo three');
    third.destroy();
  });
});
