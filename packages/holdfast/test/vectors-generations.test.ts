/**
 * `holdfast vectors rebuild`, `cut`, `rollback` and `retire`: a new model beside the live one in a real Redis, as a user that has the
 * rights that the README of @holdfast/vectors lists for an operator; broken off, killed, and refused.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { createIndex, type VectorIndex } from '@holdfast/vectors';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { main } from '../src/main.js';
import { endAll, holdfast } from './cli.js';

let nodes: LocalNodes;
let redis: Redis;
let folder: string;
let env: Record<string, string>;
let kb: VectorIndex;

beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(nodes.urls[0] ?? '');
  folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
});
beforeEach(async () => {
  await redis.flushall();
  const readme = readFileSync(new URL('../../vectors/README.md', import.meta.url), 'utf8');
  const rights = /^ACL SETUSER operator on >\S+ (.*)$/m.exec(readme)?.[1] ?? '';
  await redis.call(
    'ACL',
    'SETUSER',
    'operator',
    'reset',
    'on',
    '>secret',
    ...rights.split(' '),
    '~{vectors:none}:*',
  );
  const url = nodes.urls[0] ?? '';
  const locks = createLocks({ nodes: [url] });
  await locks.initialize();
  await locks.close();
  env = { REDIS_URL: url.replace('redis://', 'redis://operator:secret@'), HOLDFAST_NODES: url };
  kb = createIndex({ redis: url, name: 'kb', vectors: { model: 'old', dimensions: 2 } });
  return () => kb.close();
});
afterAll(async () => {
  await endAll();
  redis.disconnect();
  await nodes.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Calls `holdfast vectors` in this process. */
function begin(words: readonly string[], signals = new EventEmitter()) {
  const output = { stdout: '', stderr: '' };
  const code = main(['vectors', ...words], {
    env: { ...env, HOLDFAST_CALL_TIMEOUT: '20s' },
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals,
    clock: systemClock,
  });
  return code.then((it) => ({ code: it, ...output }));
}
const call = (...words: string[]) => begin(words);

async function json<T = unknown>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await call(...words, '--json');
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

/** Ids of documents for which the model of a module was asked, a line each, and a module. */
let modules = 0;
async function moduleOf(
  model: string,
  body: string,
  more = '',
): Promise<{ path: string; asked: () => string[] }> {
  modules += 1;
  const path = join(folder, `model-${modules}.mjs`);
  const log = join(folder, `asked-${modules}`);
  await writeFile(log, '');
  await writeFile(
    path,
    `import { appendFileSync, existsSync } from 'node:fs';
const asked = (ids) => appendFileSync(${JSON.stringify(log)}, ids.map((id) => id + '\\n').join(''));
export default {
  vectors: { model: '${model}', dimensions: 3 },
  ${more}
  embed: async (documents, signal) => {
    asked(documents.map(({ id }) => id));
    ${body}
    return documents.map(({ text }) => [1, text.length, 0]);
  },
};
`,
  );
  return { path, asked: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

const statesOf = async (): Promise<string[]> => {
  const found = await json<{ model: string; state: string }[]>('generations', 'kb');
  return found.map(({ model, state }) => `${model} ${state}`);
};
const put = (id: string, text: string) => kb.put({ id, text, vector: [1, text.length] });

test('builds another model, has it searched, goes back, and ends it', async () => {
  for (const [id, text] of [
    ['a', 'x'],
    ['b', 'xxx'],
  ] as const)
    await put(id, text);
  const next = await moduleOf('next', '');
  const built = await json<{ generation: string }>('rebuild', 'kb', '--model', next.path);
  expect(built).toMatchObject({ embedded: 2 });
  expect(await statesOf()).toEqual(['old live', 'next building']);
  // Documents of which the model knows nothing yet: without a model, nothing changes.
  await put('c', 'xx');
  await put('d', 'xxxx');
  await kb.delete('d');
  const behind = await call('cut', 'kb');
  expect(behind).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/Nothing has changed: 2 documents.*--model/),
  });
  expect(await statesOf()).toEqual(['old live', 'next building']);
  expect(await json('cut', 'kb', '--model', next.path)).toEqual({ live: built.generation, model: 'next' });
  expect(next.asked().sort()).toEqual(['a', 'b', 'c']);
  expect(await statesOf()).toEqual(['old kept', 'next live']);
  const found = await json<{ id: string }[]>('search', 'kb', '--vector', '[1, 3, 0]', '--limit', '1');
  expect(found).toMatchObject([{ id: 'b' }]);
  // What needs no vectors does not hold up the way back.
  await kb.delete('c');
  await kb.patch('a', { n: 1 });
  expect(await json('rollback', 'kb')).toMatchObject({ model: 'old' });
  expect(await statesOf()).toEqual(['old live', 'next kept']);
  const again = await call('rollback', 'kb', '--to', 'none');
  expect(again).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no model "none".*has next beside/),
  });
  expect(await json('retire', 'kb', built.generation)).toEqual({ retired: built.generation });
  expect(await statesOf()).toEqual(['old live']);
  expect(await redis.keys(`*:v${built.generation}:*`)).toEqual([]);
});

test('goes on where a rebuild was broken off, under a higher token', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `d${n}`);
  await Promise.all(ids.map((id) => put(id, id)));
  const signals = new EventEmitter();
  Object.assign(globalThis, { stopRebuild: () => signals.emit('SIGINT', 'SIGINT') });
  const slow = await moduleOf(
    'next',
    `if (documents.some(({ id }) => id === 'd9')) {
      globalThis.stopRebuild();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }`,
    'batch: 5,',
  );
  expect(await begin(['rebuild', 'kb', '--model', slow.path], signals)).toMatchObject({
    code: 130,
    stdout: '',
  });
  const done = slow.asked().length;
  const next = await moduleOf('next', '');
  expect(await json('rebuild', 'kb', '--model', next.path)).toMatchObject({ embedded: 25 - done });
  expect(next.asked()).toHaveLength(25 - done);
  expect(await json('cut', 'kb')).toMatchObject({ model: 'next' });
});

test('refuses what it does not understand, what another does, and what is not there', async () => {
  await put('a', 'x');
  const next = await moduleOf('next', '');
  const none = join(folder, 'none.mjs');
  await writeFile(none, 'export default {};');
  const wrong: [string[], number, RegExp][] = [
    [['rebuild', 'kb'], 64, /--model is missing/],
    [['rebuild', 'kb', '--model', join(folder, 'nowhere.mjs')], 64, /cannot be read/],
    [['rebuild', 'kb', '--model', none], 64, /has no "vectors"/],
    [['rebuild', 'none', '--model', next.path], 64, /no index "none"/],
    [['cut', 'kb'], 64, /no model of the index "kb" is being built/],
    [['rollback', 'kb'], 64, /keeps no model to go back to; it has none/],
    [['retire', 'kb', '7'], 64, /no generation "7"/],
  ];
  for (const [words, code, message] of wrong)
    expect({ words, ...(await call(...words)) }).toMatchObject({
      words,
      code,
      stderr: expect.stringMatching(message),
    });
  expect(await statesOf()).toEqual(['old live']);
  const locks = createLocks({ nodes: [...nodes.urls] });
  await locks.using('vectors:kb', {}, async () => {
    const busy = await call('rebuild', 'kb', '--model', next.path, '--wait', '0');
    expect(busy).toMatchObject({ code: 75 });
  });
  await locks.close();
  await json('rebuild', 'kb', '--model', next.path);
  const other = await moduleOf('other', '');
  for (const action of ['rebuild', 'cut'])
    expect(await call(action, 'kb', '--model', other.path)).toMatchObject({
      code: { rebuild: 75, cut: 64 }[action],
    });
  // A later builder: what works under a lower token is refused.
  const later = {
    token: Number.MAX_SAFE_INTEGER,
    resource: 'x',
    issuer: await issuerOf(),
    signal: new AbortController().signal,
  };
  await kb.begin({ model: 'next' }, later);
  expect(await call('cut', 'kb')).toMatchObject({ code: 76 });
  expect(await statesOf()).toEqual(['old live', 'next building']);
});

/** Of the tokens of the nodes. */
const issuerOf = async (): Promise<string> => {
  const locks = createLocks({ nodes: [...nodes.urls] });
  try {
    return await locks.using('issuer', {}, async ({ issuer }) => issuer);
  } finally {
    await locks.close();
  }
};

if (process.env['HOLDFAST_TESTS'] === 'full') {
  test('goes on after a rebuild was killed', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `d${n}`);
    await Promise.all(ids.map((id) => put(id, id)));
    const stuck = await moduleOf(
      'next',
      `if (documents.some(({ id }) => id === 'd15')) { console.error('stuck'); setInterval(() => {}, 1000); await new Promise(() => {}); }`,
      'batch: 10,',
    );
    const words = ['vectors', 'rebuild', 'kb', '--model', stuck.path, '--ttl', '1s'];
    const killed = holdfast(words, env);
    await killed.until(/stuck/);
    killed.signal('SIGKILL');
    await killed.ended;
    const next = await moduleOf('next', '');
    const rest = 40 - stuck.asked().length;
    expect(await json('rebuild', 'kb', '--model', next.path, '--wait', '30s')).toMatchObject({
      embedded: rest,
    });
    expect(await json('cut', 'kb')).toMatchObject({ model: 'next' });
    expect(await readFile(next.path, 'utf8')).toContain('next');
  });
}
