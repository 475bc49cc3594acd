/** The directory as a store of objects: between processes that are killed, and what it leaves behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MisuseError, StaleTokenError } from '@holdfast/fence';
import { conformance, createObjectGuard, directoryStore } from '@holdfast/fence/object-store';
import { seededRandom, systemRandom } from '@holdfast/kernel';
import { expect, it, vi } from 'vitest';
import { holder } from './holder.js';

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A writer in a process of its own, and the tokens that were acknowledged to it. */
class Writer {
  readonly process: ChildProcess;
  readonly acknowledged: number[] = [];
  #said = '';
  readonly #closed: Promise<unknown>;

  constructor(path: string, number: number) {
    const program = fileURLToPath(new URL('object-writer.ts', import.meta.url));
    const flags = ['--import', 'tsx', '--conditions=@holdfast/source'];
    const args = [...flags, program, path, String(number)];
    this.process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process.stdout?.on('data', (chunk: Buffer) => {
      const lines = (this.#said + chunk).split('\n');
      this.#said = lines.pop() ?? '';
      this.acknowledged.push(...lines.map(Number));
    });
    this.#closed = once(this.process, 'close');
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#closed;
  }
}

it('loses nothing that was acknowledged when processes contend and are killed', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
  const random = seededRandom(seed);
  const repeat = `repeat with SEED=${seed} npm test -- object-directory`;
  await using directory = await temporary();
  const { path } = directory;
  const writers: Writer[] = [];
  const start = (): Writer => {
    const writer = new Writer(path, writers.length);
    writers.push(writer);
    return writer;
  };
  const running = [start(), start(), start()];
  try {
    for (let killed = 0; killed < 6; killed += 1) {
      const total = () => running.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
      const enough = total() + 5 + Math.floor(random.unit() * 20);
      await vi.waitFor(() => expect(total()).toBeGreaterThanOrEqual(enough), {
        timeout: 30_000,
        interval: 1,
      });
      const [victim] = running.splice(Math.floor(random.unit() * running.length), 1);
      await victim?.kill();
      running.push(start());
    }
  } finally {
    for (const writer of running) await writer.kill();
  }
  const guard = createObjectGuard({ store: directoryStore({ path }) });
  const list: number[] = JSON.parse(String(await guard.read('list')));
  const acknowledged = writers.flatMap((writer) => writer.acknowledged);
  expect(list, repeat).toEqual(expect.arrayContaining(acknowledged));
  expect(list, repeat).toEqual([...new Set(list)].sort((a, b) => a - b));
  const last = list.at(-1) ?? 0;
  await expect(guard.seal(holder('list', last - 1)), repeat).rejects.toThrow(StaleTokenError);
  // A writer may have been killed after it had sealed, under a token above that of the last write.
  await (await guard.seal(holder('list', last + 5_000_000))).write('[]');
  expect(await readdir(join(path, 'list')), repeat).toHaveLength(2); // the last two versions, and no draft
});

it('does not take a put for carried out that came when its number had been used and cleared', async () => {
  await using directory = await temporary();
  const { path } = directory;
  const signal = new AbortController().signal;
  const version = (number: number): string => join(path, 'late', String(number).padStart(16, '0'));
  const object = { body: Buffer.from('mine'), mark: { token: 1, write: 'w', empty: false }, attributes: {} };
  let meanwhile = (): void => {};
  const id = (): string => {
    meanwhile(); // between the look at the ETag and the link
    return systemRandom.id();
  };
  const store = directoryStore({ path, random: { ...systemRandom, id } });
  const first = await store.put('late', object, undefined, signal);
  expect(first).toMatchObject({ word: 'put' });
  const etag = (await store.get('late', signal))?.etag;
  meanwhile = () => renameSync(version(1), version(4)); // three others put, and 1 to 3 were cleared
  const theirs = { ...object, body: Buffer.from('late') };
  expect(await store.put('late', theirs, etag, signal)).toEqual({ word: 'unclear' });
  expect(String((await store.get('late', signal))?.body)).toBe('mine');
  expect(await readdir(join(path, 'late'))).toEqual(['0000000000000004']);
});

it('is not read from what a put has left that came when its number had been used and cleared', async () => {
  await using directory = await temporary();
  const { path } = directory;
  const folder = join(path, 'r');
  mkdirSync(folder);
  const write = (number: number, body: string): void => {
    const mark = { token: 1, write: 'w', empty: false };
    const header = { key: 'r', etag: `${number}-x`, mark, attributes: {} };
    writeFileSync(join(folder, String(number).padStart(16, '0')), `${JSON.stringify(header)}\n${body}`);
  };
  let current = 0;
  const put = (): void => {
    current += 1;
    write(current, String(current));
    rmSync(join(folder, String(current - 2).padStart(16, '0')), { force: true });
  };
  const store = directoryStore({ path });
  put();
  for (let round = 0; round < 300; round += 1) {
    const least = current;
    let more = round % 20;
    // While it reads: two others put, then one who has looked before them.
    const interfere = (): void => {
      if (more === 0) return;
      more -= 1;
      put();
      put();
      write(current - 2, 'refused');
      setImmediate(interfere);
    };
    setImmediate(interfere);
    const read = await store.get('r', new AbortController().signal);
    more = 0;
    expect(Number(read?.body)).toBeGreaterThanOrEqual(least);
    put(); // clears what was left
  }
});

it('passes the probe, and keeps every key in a folder of its own', async () => {
  await using directory = await temporary();
  const store = directoryStore({ path: join(directory.path, 'a', 'b') });
  expect(await conformance(store)).toMatchObject({ enforced: true });
  const guard = createObjectGuard({ store });
  const long = 'x'.repeat(511);
  const keys = ['a', 'a/b', 'a%2Fb', '.', '..', '../a', 'a*', 'ä/ö', `${long}1`, `${long}2`];
  for (const key of keys) await (await guard.seal(holder(key, 1))).write(`content of ${key}`);
  for (const key of keys) expect(String(await guard.read(key))).toBe(`content of ${key}`);
  expect(await readdir(directory.path)).toEqual(['a']);
  expect(await readdir(join(directory.path, 'a', 'b'))).toHaveLength(keys.length);
});

it('tells a mark that is lost, a file that was changed, and a place that is no directory', async () => {
  await using directory = await temporary();
  const { path } = directory;
  const guard = createObjectGuard({ store: directoryStore({ path }) });
  const lost = await guard.seal(holder('lost', 7));
  await rm(join(path, 'lost'), { recursive: true });
  await expect(lost.write('mine')).rejects.toThrow(/was 7 and is lost/);

  await (await guard.seal(holder('changed', 7))).write('mine');
  const current = (await readdir(join(path, 'changed'))).sort().at(-1) ?? '';
  expect(String(await readFile(join(path, 'changed', current)))).toMatch(/^\{.*"token":7.*\}\nmine$/);
  await writeFile(join(path, 'changed', current), 'past');
  await expect(guard.seal(holder('changed', 8))).rejects.toThrow(/changed past the guard/);

  const file = createObjectGuard({ store: directoryStore({ path: join(path, 'changed', current) }) });
  await expect(file.read('x')).rejects.toThrow(MisuseError);
  expect(() => directoryStore({ path: '' })).toThrow(MisuseError);
});
