/** What other libraries do, and what takes its place, do the same. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from './program.js';

const LIBRARIES: readonly [name: string, facts: string][] = [
  ['redlock-4', '12\nbusy\n'],
  ['redlock-5', '12\nbusy\n'],
  ['redis-semaphore', '12\n[ true, true ] false\n'],
  ['redlock-universal', '12\nbusy\n'],
];

/** npm leaves out one that asks for a newer Node. */
const isInstalled = (name: string): boolean =>
  createRequire(import.meta.url)
    .resolve.paths(name)
    ?.some((folder) => existsSync(join(folder, name))) === true;

it.each(LIBRARIES.filter(([name]) => isInstalled(name.replace(/-5$/, ''))))(
  '%s: the programs before and after do the same',
  async (library, facts) => {
    const [before, after] = await Promise.all([
      run(`coming-from/${library}.before.ts`),
      run(`coming-from/${library}.after.ts`),
    ]);
    expect(before).toEqual({ code: 0, output: facts });
    expect(after).toEqual({ code: 0, output: facts });
  },
);

const MAILS = "250 slow@example.org\ntrue\n[ 'ann@example.org', 'slow@example.org' ]\n";
const QUEUES: readonly [program: string, facts: string][] = [
  ['bullmq.before.ts', MAILS],
  ['bullmq.after.ts', MAILS],
  ['bullmq.change-over.ts', "2\n[ 'ann@example.org', 'ben@example.org', 'cleo@example.org' ]\n"],
];

it('task queues: the programs before and after do the same, and what waits is moved', async () => {
  const ended = await Promise.all(QUEUES.map(([program]) => run(`coming-from/${program}`)));
  expect(ended).toEqual(QUEUES.map(([, output]) => ({ code: 0, output })));
});

const PROFILES = "{ age: 41, tier: 'gold' } { age: null, tier: null }\n";
const STORES: readonly [program: string, facts: string][] = [
  ['redis-hashes.before.ts', PROFILES],
  ['redis-hashes.after.ts', PROFILES],
  [
    'feast.after.ts',
    "[ 'accepted', 'accepted' ]\n[ { 'profile.age': 41, 'profile.tier': 'gold', discounted: 45 } ]\n",
  ],
  ['go-pipeline.after.ts', "1 { age: 41, tier: 'gold' }\n"],
];

it.each(STORES)('feature stores: %s', async (program, facts) => {
  expect(await run(`coming-from/${program}`)).toEqual({ code: 0, output: facts });
});

const VECTORS: readonly [program: string, facts: string][] = [
  ['redisearch.after.ts', "[ 'reset', 'login' ]\n"],
  ['hnswlib-node.after.ts', "[ 'reset', 'refund' ]\n"],
  ['pgvector.after.ts', "older [ 'reset' ]\n"],
];

it.each(VECTORS)('vector stores: %s', async (program, facts) => {
  expect(await run(`coming-from/${program}`)).toEqual({ code: 0, output: facts });
});

it('the page shows the programs that run here', async () => {
  const page = await readFile(new URL('../../docs/COMING-FROM.md', import.meta.url), 'utf8');
  const samples = [...page.matchAll(/^<!-- example: (\S+) -->\n```ts\n([\s\S]*?)^```/gm)];
  expect(samples.length).toBeGreaterThan(10);
  for (const [, path, sample] of samples) {
    const source = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
    const [, region] = /^\/\/ #region readme\n([\s\S]*?)^\/\/ #endregion readme/m.exec(source) ?? [];
    expect(sample?.trim(), path).toBe(region?.trim());
  }
});

it('old and new programs exclude each other during the change-over', async () => {
  expect(await run('coming-from/change-over.ts')).toEqual({ code: 0, output: '12\n24\n' });
});
