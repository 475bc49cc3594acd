/**
 * Vectors that the server searches. All but what is refused needs a Redis with vector sets, of version 8 or later: with an older one,
 * or a Valkey, those tests are left out, and the error is looked at that such a server gives.
 */
import { spawnSync } from 'node:child_process';
import { StaleTokenError } from '@holdfast/fence';
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { findServer, startNodes } from '@holdfast/local';
import { expect, it, vi } from 'vitest';
import type { EmbeddingTask } from '../src/embed/tasks.js';
import { checkRecall } from '../src/operate/check.js';
import { openIndex } from '../src/operate/open-index.js';
import type { Results } from '../src/query/results.js';
import type { VectorIndex } from '../src/vector-index.js';
import type { VectorIndexOptions } from '../src/vector-index-options.js';
import { client, follower, holderOf, idsOf, later, server, url, useRedis } from './setting.js';

const version = spawnSync(findServer(), ['--version'], { encoding: 'utf8' }).stdout;
const hasSets = /^Redis server v=(?:[89]|\d\d)\./.test(version);
const withSets = (name: string, work: () => Promise<void>): void => {
  if (hasSets) it(name, work);
};
const withoutSets = (name: string, work: () => Promise<void>): void => {
  if (!hasSets) it(name, work);
};

useRedis();

const VECTORS = { dimensions: 4, engine: 'server' } as const;
const SCHEMA = { kind: 'tag', n: 'number', place: 'geo' } as const;

const onServer = (options: Partial<VectorIndexOptions> = {}): VectorIndex =>
  server({ vectors: VECTORS, schema: SCHEMA, ...options });

/** A unit vector whose direction tells `n`. */
const at = (n: number): number[] => [Math.cos(n / 1_000), Math.sin(n / 1_000), 0, 0];

async function elementsOf(pattern = '*:set*'): Promise<string[]> {
  const sets = await client().keys(pattern);
  const all = await Promise.all(sets.map((key) => client().call('VRANDMEMBER', key, 100_000)));
  return (all as string[][]).flat().sort();
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

withoutSets('says so on a server without vector sets, and does nothing there', async () => {
  for (const call of [
    () => onServer().put({ id: 'a', vector: at(1) }),
    () => onServer().search({ vector: at(1) }),
    () => onServer().ready(),
  ]) {
    const error = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(MisuseError);
    expect((error as Error).message).toMatch(/"kb" has no vector sets.*Use Redis 8 or later/s);
  }
  expect(await client().keys('*')).toEqual([]);
});

withoutSets('does not begin a generation that such a server cannot search', async () => {
  const embedder = { embed: async () => [] };
  const index = server({ vectors: { dimensions: 4 }, next: { ...VECTORS, model: 'b', embedder } });
  await index.put({ id: 'a', vector: at(1) });
  await expect(index.begin({}, holderOf(1))).rejects.toThrow('Use Redis 8 or later');
  expect(await index.generations()).toHaveLength(1);
});

it.each([
  [{ vectors: { ...VECTORS, metric: 'l2' } }, /"cosine" only; got "l2"/],
  [{ vectors: { ...VECTORS, recall: 0.9 } }, /no "recall"/],
  [{ vectors: { ...VECTORS, memory: 2 ** 24 } }, /no "memory"/],
  [{ vectors: { ...VECTORS, engine: 'disk' } }, /got "disk"/],
  [{ vectors: { one: VECTORS, other: { dimensions: 4 } } }, /the same engine; got server, memory/],
  [{ vectors: VECTORS, snapshots: { dir: '/tmp' } }, /leave "snapshots" out/],
] as const)('refuses %j', (options, message) => {
  expect(() => server(options as unknown as VectorIndexOptions)).toThrow(message);
});

withSets('has in its sets what documents have, whatever is done to them, and finds that', async () => {
  const seed = Date.now() % 1_000_000;
  const random = randomFrom(seed);
  const index = onServer();
  const expected = new Map<string, { vectors: number[][]; kind: string }>();
  const calls: Promise<unknown>[] = [];
  for (let step = 0; step < 400; step += 1) {
    const id = `d${random(12)}`;
    const kind = `k${random(3)}`;
    const before = expected.get(id);
    const vectors = Array.from({ length: random(4) }, () => at(random(1_500)));
    const action = random(10);
    if (action < 5) {
      calls.push(index.put({ id, text: 'one', vectors, attributes: { kind } }));
      expected.set(id, { vectors, kind });
    } else if (action < 7) {
      calls.push(index.delete(id));
      expected.delete(id);
    } else if (action < 9 && before) {
      await Promise.all(calls.splice(0));
      await index.patch(id, { kind });
      expected.set(id, { ...before, kind });
    } else {
      calls.push(index.put({ id, text: `other ${step}`, attributes: { kind } }));
      expected.set(id, { vectors: [], kind });
    }
    if (step % 20 !== 19) continue;
    await Promise.all(calls.splice(0));
    const elements = [...expected].flatMap(([each, { vectors: own }]) => own.map((_, n) => `${n}:${each}`));
    expect(await elementsOf(), `seed ${seed}, step ${step}`).toEqual(elements.sort());
    const query = random(1_500);
    for (const filter of [undefined, { kind: `k${random(3)}` }]) {
      const near = [...expected].flatMap(([each, { vectors: own, kind: of }]) => {
        const scores = own.map(([x = 0, y = 0]) => x * at(query)[0]! + y * at(query)[1]!);
        return own.length > 0 && (!filter || filter.kind === of)
          ? [[each, Math.max(...scores)] as const]
          : [];
      });
      const { hits } = await index.search({ vector: at(query), limit: 20, ...(filter && { filter }) });
      expect(hits.map(({ id: each }) => each).sort(), `seed ${seed}, step ${step}`).toEqual(
        near.map(([each]) => each).sort(),
      );
      for (const { id: each, score } of hits)
        expect(
          Math.abs(score - (near.find(([other]) => other === each)?.[1] ?? 9)),
          `seed ${seed}`,
        ).toBeLessThan(0.03);
    }
  }
});

withSets('finds vectors again when a document says again what they are made of', async () => {
  const queue = { tasks: [] as EmbeddingTask[], add: async (task: EmbeddingTask) => queue.tasks.push(task) };
  const embedder = {
    embed: async (texts: readonly string[]) => texts.map((text) => Float32Array.from(at(text.length))),
  };
  const index = onServer({ vectors: { ...VECTORS, embedder }, tasks: queue });
  const { signal } = new AbortController();
  const embed = index.embedder();
  await index.put({ id: 'a', text: 'one' });
  expect(await elementsOf()).toEqual([]);
  expect(index.stats().waiting + 1).toBe(1);
  await index.ready();
  expect(index.stats().waiting).toBe(1);
  expect(await embed({ data: queue.tasks[0], signal })).toEqual({ outcome: 'written' });
  expect(idsOf(await index.search({ vector: at(3) }))).toEqual(['a']);
  expect(index.stats().waiting).toBe(0);
  await index.put({ id: 'a', text: 'another one' });
  expect(idsOf(await index.search({ vector: at(3) }))).toEqual([]);
  await index.put({ id: 'a', text: 'one' });
  expect(idsOf(await index.search({ vector: at(3) }))).toEqual(['a']);
  expect(await embed({ data: queue.tasks[1], signal })).toEqual({ outcome: 'newer' });
  expect(await elementsOf()).toEqual(['0:a']);
});

withSets('never answers fewer than match, near or far, few or many', async () => {
  const index = onServer();
  const puts = Array.from({ length: 3_000 }, (_, n) =>
    index.put({
      id: String(n),
      vector: at(n),
      attributes: { kind: n >= 1_500 ? 'far' : 'near', n, place: { lat: 0, lon: n / 100 } },
    }),
  );
  await Promise.all(puts);
  const near = { vector: at(0) };
  expect((await index.search({ ...near, limit: 1_500, filter: { kind: 'far' } })).hits).toHaveLength(1_500);
  const far = await index.search({ ...near, limit: 5, filter: { kind: 'far' } });
  expect(far.hits.every(({ id }) => Number(id) >= 1_500 && Number(id) < 1_530)).toBe(true);
  expect(idsOf(await index.search({ ...near, limit: 3, filter: { n: { gte: 2_990 } } }))).toEqual([
    '2990',
    '2991',
    '2992',
  ]);
  const box = { south: 0, west: 29.9, north: 0, east: 180 };
  expect(idsOf(await index.search({ ...near, limit: 2, filter: { place: { box } } }))).toEqual([
    '2990',
    '2991',
  ]);
  expect((await index.search({ ...near, limit: 3_000 })).hits).toHaveLength(3_000);
  const above = await index.search({ ...near, limit: 3_000, minScore: Math.cos(0.1) });
  expect(above.hits.length).toBeGreaterThan(60);
  expect(above.hits.length).toBeLessThan(140);
});

withSets('has a page of documents where one has all the nearest vectors', async () => {
  const index = onServer();
  await index.put({ id: 'many', vectors: Array.from({ length: 256 }, (_, n) => at(n)) });
  for (const n of [600, 700, 800]) await index.put({ id: String(n), vector: at(n) });
  const { hits } = await index.search({ vector: at(40), limit: 4 });
  expect(hits.map(({ id, chunk }) => [id, chunk])).toEqual([
    ['many', expect.any(Number)],
    ['600', 0],
    ['700', 0],
    ['800', 0],
  ]);
  expect(Math.abs((hits[0]?.chunk ?? 999) - 40)).toBeLessThan(30);
});

withSets('sees, without a place, what others have written before', async () => {
  const [one, other] = [onServer(), onServer()];
  await other.ready();
  for (let n = 0; n < 20; n += 1) {
    await one.put({ id: 'a', vector: at(n * 50), attributes: { n } });
    const { hits } = await other.search({ vector: at(n * 50), limit: 1 });
    expect(hits.map(({ attributes }) => attributes)).toEqual([{ n }]);
    expect(hits[0]?.score).toBeGreaterThan(0.99);
  }
});

withSets('tells the score and the attributes of one state, while documents are written', async () => {
  const [one, other] = [onServer(), onServer()];
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n += 1)
      await one.put({ id: `a${n % 5}`, vector: at((n % 2) * 1_500), attributes: { n: n % 2 } });
  })();
  for (let n = 0; n < 40; n += 1) {
    const { hits } = await other.search({ vector: at(0), limit: 5 });
    for (const { attributes, score } of hits) expect(score > 0.5).toBe(attributes['n'] === 0);
  }
  isOver = true;
  await writing;
});

/** Writes through several processes, as fast as they can, until the test is over. */
function writeAllTheTime(write: (index: VectorIndex, n: number) => Promise<unknown>): void {
  let isOver = false;
  const writers = Array.from({ length: 3 }, async (_, first) => {
    const index = onServer();
    for (let n = first; !isOver; n += 3) await write(index, n);
  });
  later(async () => {
    isOver = true;
    await Promise.all(writers);
  });
}

withSets('finds every document, however often it is written', async () => {
  const index = onServer();
  const acknowledged = new Map<string, number>();
  const put = async (by: VectorIndex, n: number): Promise<void> => {
    const id = `a${n % 6}`;
    await by.put({ id, vector: at((n % 4) * 500), attributes: { kind: 'hot', n } });
    acknowledged.set(id, n);
  };
  for (let n = 0; n < 6; n += 1) await put(index, n);
  writeAllTheTime((by, n) => put(by, n + 6));
  for (let n = 0; n < 60; n += 1) {
    const before = new Map(acknowledged);
    const filter = n % 2 === 0 ? {} : { filter: { kind: 'hot' } };
    const { hits } = await index.search({ vector: at(0), limit: 6, ...filter });
    expect(hits.map(({ id }) => id).sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5']);
    for (const { id, attributes, score } of hits) {
      const told = Number(attributes['n']);
      expect(told).toBeGreaterThanOrEqual(before.get(id) ?? Number.POSITIVE_INFINITY);
      expect(Math.abs(score - Math.cos((told % 4) / 2))).toBeLessThan(0.03);
    }
  }
});

withSets('finds the nearest of one moment, while others come near and go', async () => {
  const index = onServer();
  for (let n = 0; n < 40; n += 1)
    await index.put({ id: `still${n}`, vector: at(500 + n), attributes: { kind: 'still' } });
  writeAllTheTime((by, n) => {
    const id = `hot${n % 7}`;
    if (n % 5 === 0) return by.delete(id);
    const isNear = n % 2 === 0;
    return by.put({ id, vector: at(isNear ? 0 : 1_500), attributes: { kind: isNear ? 'near' : 'far' } });
  });
  for (let n = 0; n < 60; n += 1) {
    const { hits, facets } = await index.search({ vector: at(0), limit: 10, facets: ['kind'] });
    const near = facets['kind']?.find(({ value }) => value === 'near')?.count ?? 0;
    const kinds = hits.map(({ attributes }) => attributes['kind']);
    expect(kinds).toEqual(Array.from({ length: 10 }, (_, rank) => (rank < near ? 'near' : 'still')));
  }
});

withSets('reads everything again that it was told while it caught up', async () => {
  const [one, late] = [onServer(), onServer()];
  await one.put({ id: 'a', vector: at(0), attributes: { n: 0 } });
  await late.ready();
  for (let round = 0; round < 5; round += 1) {
    const puts = Array.from({ length: 600 }, (_, n) =>
      one.put({
        id: n === 300 ? 'a' : `b${n}`,
        vector: at(n === 300 ? 0 : 700 + n),
        attributes: { n: round },
      }),
    );
    const looking = late.ready();
    await Promise.all(puts);
    const { hits } = await late.search({ vector: at(0), limit: 1 });
    expect(hits.map(({ id, attributes }) => [id, attributes])).toEqual([['a', { n: round }]]);
    await looking;
  }
});

withSets('finds the same after the server was killed, with its log', async () => {
  const nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  later(() => nodes.stop());
  const index = onServer({ redis: nodes.urls[0] ?? '' });
  for (let n = 0; n < 60; n += 1) {
    if (n % 7 === 5) await index.delete(`a${n % 8}`);
    else await index.put({ id: `a${n % 8}`, vectors: [at(n * 20), at(n * 20 + 300)], attributes: { n } });
  }
  const query = { vector: at(700), limit: 10 };
  const before = await index.search(query);
  const [node] = nodes;
  await node?.kill();
  await node?.start();
  const after = await vi.waitFor(() => index.search(query), 10_000);
  const tell = ({ hits }: Results) => hits.map(({ id, score, chunk }) => [id, chunk, score.toFixed(2)]);
  expect(before.hits.length).toBeGreaterThan(5);
  expect(tell(after)).toEqual(tell(before));
});

withSets('finds nothing that has expired, and takes it out of the sets', async () => {
  const index = onServer();
  await index.put({ id: 'short', vectors: [at(0), at(1)] }, { ttl: 30 });
  await index.put({ id: 'long', vector: at(1_000) });
  await vi.waitFor(async () =>
    expect(idsOf(await index.search({ vector: at(0), limit: 1 }))).toEqual(['long']),
  );
  const other = follower().follower;
  await other.look();
  other.expire();
  expect(await elementsOf()).toEqual(['0:long', '0:short', '1:short']);
  await other.purge();
  expect(await elementsOf()).toEqual(['0:long']);
  await index.put({ id: 'short', vectors: [at(0), at(1)] }, { ttl: 60_000 });
  expect(idsOf(await index.search({ vector: at(0), limit: 1 }))).toEqual(['short']);
  expect(await elementsOf()).toEqual(['0:long', '0:short', '1:short']);
});

withSets('aborts the searches that are under way when it is closed', async () => {
  const index = onServer();
  await index.put({ id: 'a', vector: at(1) });
  await index.ready();
  const searching = index.search({ vector: at(1) });
  await Promise.all([expect(searching).rejects.toThrow(AbortedError), index.close()]);
});

withSets('exports its vectors, by which its recall is checked', async () => {
  const index = onServer();
  const puts = Array.from({ length: 60 }, (_, n) => index.put({ id: String(n), vector: at(n * 25) }));
  await Promise.all(puts);
  await index.ready();
  const exact = await index.search({ vector: at(170), limit: 3, exact: true });
  expect(exact.hits.map(({ id, score }) => [id, score.toFixed(7)])).toEqual(
    [7, 6, 8].map((n) => [String(n), Math.cos((n * 25 - 170) / 1_000).toFixed(7)]),
  );
  for await (const { vectors } of index.export({ ids: ['7'] }))
    expect(vectors['']?.[0]?.[0]).toBeCloseTo(at(175)[0]!);
  const report = await checkRecall(index, { queries: 10 });
  expect(report).toMatchObject({ documents: 60, withoutVectors: 0 });
  expect(report.recall).toBeGreaterThan(0.8);
});

withSets('goes from the memory of processes to the server and back, as models do', async () => {
  const embedder = {
    embed: async (texts: readonly string[]) => texts.map((text) => Float32Array.from(at(Number(text)))),
  };
  const memory = { dimensions: 4, model: 'a', embedder } as const;
  const next = { ...VECTORS, model: 'b', embedder };
  const index = server({ vectors: memory, next });
  for (const n of [100, 200, 300]) await index.put({ id: String(n), text: String(n), vector: at(n) });
  expect(index.stats().vectors?.vectors).toBe(undefined as never);
  const builder = await index.begin({}, holderOf(1));
  await index.put({ id: '400', text: '400', vector: at(400) });
  do await builder.fill();
  while ((await builder.cut()).outcome === 'behind');
  expect(await elementsOf()).toEqual(['0:100', '0:200', '0:300', '0:400']);
  const { hits, place } = await index.search({ text: '210', limit: 2 });
  expect(hits.map(({ id }) => id)).toEqual(['200', '300']);
  expect(await index.delete('200').then(() => elementsOf())).toEqual(['0:100', '0:300', '0:400']);

  const opened = await openIndex({ redis: url(), name: 'kb' });
  try {
    expect(idsOf(await opened.search({ vector: at(210), limit: 1, after: place }))).toEqual(['300']);
  } finally {
    await opened.close();
  }

  const back = await server({ vectors: next, next: memory }).begin({}, holderOf(2));
  do await back.fill();
  while ((await back.cut()).outcome === 'behind');
  const [, live] = await index.generations();
  expect(idsOf(await index.search({ text: '390', limit: 1 }))).toEqual(['400']);
  await expect(builder.cut()).rejects.toThrow(StaleTokenError);
  await index.retire(live?.generation ?? '', holderOf(2));
  expect(await client().keys('*:set*')).toEqual([]);
});

withSets('has sets of each name, and searches them beside words', async () => {
  const index = onServer({
    vectors: { title: VECTORS, body: { dimensions: 8, engine: 'server' } },
    keywords: {},
  });
  const wide = (n: number): number[] => [...at(n), 0, 0, 0, 0];
  await index.put({ id: 'a', text: 'red apple', vectors: { title: at(0), body: [wide(0), wide(700)] } });
  const { place } = await index.put({ id: 'b', text: 'green pear', vectors: { title: at(900) } });
  expect(await elementsOf('*:title')).toEqual(['0:a', '0:b']);
  expect(await elementsOf('*:body')).toEqual(['0:a', '1:a']);
  const { hits } = await index.search({
    text: 'pear',
    vectors: { title: at(880), body: wide(690) },
    after: place,
  });
  expect(hits.map(({ id, ranks }) => [id, ranks])).toEqual([
    ['b', { title: 1, keywords: 1 }],
    ['a', { title: 2, body: 1 }],
  ]);
  expect(hits[1]?.chunk).toBe(1);
  const varied = await index.search({ vectors: { title: at(0) }, diversify: { by: 'body' }, limit: 2 });
  expect(idsOf(varied)).toEqual(['a', 'b']);
});
