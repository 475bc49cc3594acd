/** A new model beside the live one: filled, cut in one step, rolled back, retired; builders that are paused, fail or meet. */
import { StaleTokenError } from '@holdfast/fence';
import { BusyError, MisuseError, seededRandom, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import type { GenerationBuilder } from '../src/generations/builder.js';
import { readDocument } from '../src/truth/record.js';
import type { VectorIndex } from '../src/vector-index.js';
import { client, holderOf, idsOf, node, server, useRedis } from './setting.js';

useRedis();
const SEED = 11;

/** Models that know directions; the other one has other dimensions, so that what is mixed throws. */
const modelOf = (model: string, dimensions: number) => {
  const asked: string[] = [];
  const embed = async (texts: readonly string[]) => {
    asked.push(...texts);
    return texts.map((text) => {
      const vector = new Float32Array(dimensions).fill(0.01);
      vector[text.length % dimensions] = 1;
      return vector;
    });
  };
  return { vectors: { model, dimensions, embedder: { embed } }, asked };
};
const [old, next] = [modelOf('old', 3), modelOf('next', 2)];
/** A server of the application during a change of models. */
const both = (options = {}) => server({ vectors: old.vectors, next: next.vectors, ...options });

const put = async (kb: VectorIndex, id: string, text: string, options = {}) => {
  const [vector] = await old.vectors.embedder.embed([text]);
  return (await kb.put({ id, text, ...(vector && { vector }) }, options)).place;
};
const keysOf = async (generation: string) =>
  (await client().keys(`{vectors:kb}:v${generation}:*`)).map((key) => key.split(':').at(-1)).sort();
const everything = async () => {
  const keys = (await client().keys('*')).sort();
  return Promise.all(keys.map(async (key) => [key, (await client().dumpBuffer(key))?.toString('hex')]));
};
const modelsOf = async (kb: VectorIndex) =>
  (await kb.generations()).map(({ model, state }) => `${model} ${state}`);

describe('a new model', () => {
  it('goes live on every server at once, and finds every document', async () => {
    const [one, other] = [both(), both()];
    const ids = Array.from({ length: 150 }, (_, at) => `d${at}`);
    await Promise.all(ids.map((id, at) => put(one, id, 'x'.repeat(at + 1))));
    await other.ready();
    const builder = await one.begin({ batch: 40 }, holderOf(1));
    const filled = await builder.fill();
    expect(filled.embedded).toBe(150);
    expect(await modelsOf(one)).toEqual(['old live', 'next building']);
    expect((await other.search({ text: 'xx', limit: 200 })).hits).toHaveLength(150);
    expect(other.stats().vectors).toMatchObject({ vectors: 150 });
    const cut = await builder.cut();
    if (cut.outcome !== 'live') throw new Error(cut.outcome);
    next.asked.length = 0;
    for (const kb of [one, other]) {
      const { hits } = await kb.search({ text: 'xx', limit: 200, after: cut.place });
      expect(hits.map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect(hits[0]?.score).toBeCloseTo(1, 1);
    }
    expect(next.asked).toEqual(['xx', 'xx']);
    expect(await modelsOf(other)).toEqual(['old kept', 'next live']);
    expect(await builder.cut()).toEqual(cut);
  });

  it('never goes live with a document that lacks its vectors', async () => {
    const kb = both();
    await put(kb, 'a', 'one');
    const builder = await kb.begin({}, holderOf(1));
    expect(await builder.cut()).toMatchObject({ outcome: 'behind', left: 1 });
    expect(await builder.cut({ pending: 1_000 })).toMatchObject({ outcome: 'behind' });
    await builder.fill();
    await put(kb, 'a', 'other');
    await kb.delete('b');
    expect(await builder.cut()).toEqual({ outcome: 'behind', left: 2 });
    expect(await modelsOf(kb)).toEqual(['old live', 'next building']);
    expect((await builder.fill()).embedded).toBe(1);
    expect(await builder.cut()).toMatchObject({ outcome: 'live' });
  });

  it('is not cut by what was seen before a server forgot', async () => {
    const kb = both();
    await put(kb, 'a', 'one');
    const builder = await kb.begin({}, holderOf(1));
    await builder.fill();
    await client().save();
    await node().restart();
    const cut = () => vi.waitFor(() => builder.cut(), { timeout: 20_000, interval: 20 });
    expect(await cut()).toMatchObject({ outcome: 'behind' });
    expect((await builder.fill()).embedded).toBe(0);
    expect(await cut()).toMatchObject({ outcome: 'live' });
  });

  it('keeps what it made, whatever the documents do with their time to live', async () => {
    const kb = both();
    await put(kb, 'a', 'one', { ttl: 60_000 });
    const builder = await kb.begin({}, holderOf(1));
    await builder.fill();
    expect(await client().pttl(`{vectors:kb}:v${builder.generation}:a`)).toBeGreaterThan(0);
    await put(kb, 'a', 'one');
    expect(await client().pttl(`{vectors:kb}:v${builder.generation}:a`)).toBe(-1);
    await kb.patch('a', { x: 1 }, { ttl: 50_000 });
    expect(await client().pttl(`{vectors:kb}:v${builder.generation}:a`)).toBeGreaterThan(0);
    await kb.delete('a');
    expect(await keysOf(builder.generation)).toEqual([]);
  });

  it('makes vectors of what its function reads, and none where that gives none', async () => {
    const kb = server({ vectors: { dimensions: 3 } });
    const pictures = ['cat', 'dog', 'void'];
    const picture = (id: string) => kb.put({ id, vector: [1, 0, 0], attributes: { url: `/${id}` } });
    await Promise.all(pictures.map(picture));
    await kb.put({ id: 'nothing' });
    const vectors = { model: 'seen', dimensions: 2 };
    const embed = async (documents: readonly { readonly attributes: Readonly<Record<string, unknown>> }[]) =>
      documents.map(({ attributes }) =>
        attributes['url'] === '/void'
          ? undefined
          : [
              [1, 0],
              [0, 1],
            ],
      );
    const builder = await kb.begin({ vectors, embed }, holderOf(1));
    expect((await builder.fill()).embedded).toBe(3);
    const cut = await builder.cut();
    if (cut.outcome !== 'live') throw new Error(cut.outcome);
    await expect(kb.search({ vector: [1, 0, 0] })).rejects.toThrow(/"seen".*"default"/);
    const { hits } = await server({ vectors }).search({ vector: [0, 1], after: cut.place });
    expect(hits.map(({ id, chunk }) => [id, chunk])).toEqual([
      ['cat', 1],
      ['dog', 1],
    ]);
  });
});

describe('a builder', () => {
  it('that was replaced changes nothing, and its successor goes on where it was', async () => {
    const kb = both();
    for (let at = 0; at < 6; at += 1) await put(kb, `d${at}`, `text ${at}`);
    let calls = 0;
    const embed = async (documents: readonly unknown[]) => {
      if (++calls > 2) throw new Error('the model is down');
      return documents.map(() => [1, 0]);
    };
    const paused = await kb.begin({ embed, batch: 2 }, holderOf(1));
    await expect(paused.fill()).rejects.toThrow('the model is down');
    expect(await keysOf(paused.generation)).toEqual(['d0', 'd1', 'd2', 'd3']);
    next.asked.length = 0;
    const builder = await kb.begin({ batch: 2 }, holderOf(2));
    expect(builder.generation).toBe(paused.generation);
    const before = await everything();
    calls = 0;
    await expect(paused.fill()).rejects.toThrow(StaleTokenError);
    await expect(paused.cut({ pending: 1_000 })).rejects.toThrow(StaleTokenError);
    await expect(paused.abandon()).rejects.toThrow(StaleTokenError);
    await expect(kb.begin({}, holderOf(1))).rejects.toMatchObject({ offered: 1, seen: 2 });
    expect(await everything()).toEqual(before);
    await builder.fill();
    expect(next.asked.sort()).toEqual(['text 4', 'text 5']);
    expect(await builder.cut()).toMatchObject({ outcome: 'live' });
    await expect(paused.cut()).rejects.toThrow(StaleTokenError);
  });

  it('of another issuer is not compared: it waits, or says whom it replaces', async () => {
    const kb = both();
    await kb.begin({}, holderOf(9));
    await expect(kb.begin({}, holderOf(1, 'other'))).rejects.toThrow(/tokens of "locks".*"replaces"/);
    const builder = await kb.begin({ replaces: 'locks' }, holderOf(1, 'other'));
    expect(await builder.cut()).toMatchObject({ outcome: 'live' });
  });

  it('builds one model at a time, and only one that there is not', async () => {
    const kb = both();
    await kb.begin({}, holderOf(1));
    const third = modelOf('third', 5).vectors;
    await expect(kb.begin({ vectors: third }, holderOf(2))).rejects.toThrow(BusyError);
    await expect(kb.begin({ vectors: old.vectors }, holderOf(2))).rejects.toThrow(/"old".* is live/);
    const wider = { ...next.vectors, dimensions: 7 };
    await expect(kb.begin({ vectors: wider }, holderOf(2))).rejects.toThrow(/"dimensions":2.*"dimensions":7/);
    await expect(kb.begin({ vectors: { dimensions: 3 } }, holderOf(2))).rejects.toThrow(
      /needs an "embedder"/,
    );
    await expect(server().begin({}, holderOf(2))).rejects.toThrow(/needs the "vectors"/);
    await expect(kb.begin({}, {} as TokenHolder)).rejects.toThrow(MisuseError);
  });

  it('abandons what it has made, and another one may be begun', async () => {
    const kb = both();
    await put(kb, 'a', 'one');
    const builder = await kb.begin({}, holderOf(1));
    await builder.fill();
    expect(await keysOf(builder.generation)).toEqual(['a']);
    await builder.abandon();
    expect(await keysOf(builder.generation)).toEqual([]);
    expect(await modelsOf(kb)).toEqual(['old live']);
    await expect(builder.fill()).rejects.toThrow(StaleTokenError);
    await expect(builder.cut()).rejects.toThrow(StaleTokenError);
    expect(idsOf(await kb.search({ text: 'one' }))).toEqual(['a']);
    const again = await kb.begin({}, holderOf(1));
    expect(again.generation).not.toBe(builder.generation);
  });
});

describe('the model of before', () => {
  const swapped = async () => {
    const kb = both();
    for (const id of ['a', 'b', 'c']) await put(kb, id, `text of ${id}`);
    const builder = await kb.begin({}, holderOf(1));
    await builder.fill();
    await builder.cut();
    const [{ generation = '' } = {}] = await kb.generations();
    return { kb, generation };
  };

  it('goes live again the same way: only what was changed since is embedded', async () => {
    const { kb, generation } = await swapped();
    const late = next.vectors;
    const writer = server({ vectors: late, next: old.vectors });
    const [vector] = await late.embedder.embed(['changed']);
    await writer.put({ id: 'b', text: 'changed', ...(vector && { vector }) });
    await writer.delete('c');
    old.asked.length = 0;
    const back = await kb.begin({ vectors: old.vectors }, holderOf(2));
    expect(back.generation).toBe(generation);
    expect(await back.cut()).toMatchObject({ outcome: 'behind' });
    await back.fill();
    expect(old.asked).toEqual(['changed']);
    const cut = await back.cut();
    if (cut.outcome !== 'live') throw new Error(cut.outcome);
    expect(idsOf(await writer.search({ text: 'changed', after: cut.place })).sort()).toEqual(['a', 'b']);
    expect(await modelsOf(kb)).toEqual(['old live', 'next kept']);
  });

  it('is retired, also if its end was cut short', async () => {
    const { kb, generation } = await swapped();
    await expect(kb.retire('7', holderOf(2))).rejects.toThrow(/no generation "7"/);
    const [, live] = await kb.generations();
    await expect(kb.retire(live?.generation ?? '', holderOf(2))).rejects.toThrow(/is live/);
    await expect(kb.retire(generation, holderOf(0))).rejects.toThrow();
    // As it is when the process ends before the vectors are deleted.
    await client().hset('{vectors:kb}:meta', 'dropping', generation);
    await client().hdel('{vectors:kb}:meta', `model:${generation}`);
    await client().hset('{vectors:kb}:meta', 'n', `${Date.now() * 1_000}`);
    expect((await kb.generations()).map(({ state }) => state)).toEqual(['dropping', 'live']);
    expect(await keysOf(generation)).toEqual(['a', 'b', 'c']);
    await kb.retire(generation, holderOf(2));
    expect(await keysOf(generation)).toEqual([]);
    expect(await modelsOf(kb)).toEqual(['next live']);
    expect(idsOf(await kb.search({ text: 'text of a' }))).toHaveLength(3);
  });
});

it('a search uses one model, however often they change', async () => {
  const [kb, reader] = [both(), both()];
  await put(kb, 'a', 'xx');
  await reader.ready();
  let isOver = false;
  let searches = 0;
  const reading = (async () => {
    while (!isOver) {
      const { hits, degraded } = await reader.search({ text: 'xx' });
      if (hits[0]?.id !== 'a' || hits[0].score < 0.95 || degraded.length > 0)
        throw new Error(`found ${JSON.stringify({ hits, degraded })}`);
      searches += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let token = 1; token <= 8; token += 1) {
    const { vectors } = token % 2 === 1 ? next : old;
    const builder = await kb.begin({ vectors }, holderOf(token));
    await builder.fill();
    const seen = searches;
    expect(await builder.cut()).toMatchObject({ outcome: 'live' });
    await Promise.race([reading, vi.waitUntil(() => searches > seen + 20, { interval: 1 })]);
  }
  isOver = true;
  await reading;
});

it('a search for which a text is embedded while another model goes live is asked of that model', async () => {
  let release = () => {};
  const isReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = false;
  const embed = async (texts: readonly string[]) => {
    if (isHeld) await isReleased;
    return old.vectors.embedder.embed(texts);
  };
  const kb = both({ vectors: { ...old.vectors, embedder: { embed } } });
  await put(kb, 'a', 'xx');
  await kb.ready();
  const builder = await kb.begin({}, holderOf(1));
  await builder.fill();
  isHeld = true;
  next.asked.length = 0;
  const searching = kb.search({ text: 'xx', deadline: 60_000 });
  const cut = await builder.cut();
  if (cut.outcome !== 'live') throw new Error(cut.outcome);
  const seen = await kb.search({ text: 'xx', after: cut.place });
  release();
  expect((await searching).hits).toEqual(seen.hits);
  expect(next.asked).toEqual(['xx', 'xx']);
});

it('goes on with a model by its name, and is cut without one that embeds, if no document needs vectors', async () => {
  const vectors = (suffix: string) => ({
    title: { model: `t${suffix}`, dimensions: 2 },
    body: { model: `b${suffix}`, dimensions: 3, metric: 'ip' as const },
  });
  const kb = server({ vectors: vectors('1') });
  await kb.put({ id: 'a', vectors: { title: [1, 0], body: [1, 0, 0] } });
  const embed = async (documents: readonly unknown[]) =>
    documents.map(() => ({ title: [[0, 1]], body: [[0, 0, 1]] }));
  const next = await kb.begin({ vectors: vectors('2'), embed }, holderOf(1));
  await next.fill();
  const unknown = kb.begin({ model: 't3' }, holderOf(2));
  await expect(unknown).rejects.toThrow(/no model "t3"; it has title:t1\+body:b1, title:t2\+body:b2/);
  const other = kb.begin({ model: 'title:t2+body:b2', vectors: vectors('3'), embed }, holderOf(2));
  await expect(other).rejects.toThrow(/are of the model "title:t3\+body:b3"/);
  await expect(kb.begin({ model: 'title:t1+body:b1' }, holderOf(2))).rejects.toThrow(/is live/);
  await kb.put({ id: 'a', text: 'new' });
  const builder = await kb.begin({ model: 'title:t2+body:b2' }, holderOf(2));
  await expect(builder.fill()).rejects.toThrow(/no "embedder"/);
  expect(await builder.cut()).toMatchObject({ outcome: 'behind' });
  await kb.delete('a');
  await builder.fill();
  expect(await builder.cut()).toMatchObject({ outcome: 'live' });
});

it(`a cut never leaves a document out, whoever does what in between (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const kb = both();
  const pick = (most: number) => Math.floor(most * random.unit());
  let [token, cuts] = [1, 0];
  const live = async () => (await client().hget('{vectors:kb}:meta', 'live')) ?? '';
  const begin = async () => {
    const generations = await kb.generations();
    const isNext = generations.some(({ model, state }) => model === 'next' && state === 'live');
    return kb.begin({ vectors: isNext ? old.vectors : next.vectors, batch: 1, embed }, holderOf(token));
  };
  const embed = async (documents: readonly { readonly text: unknown }[]) => {
    if (random.unit() < 0.2) throw new Error('down');
    const isNext = (await kb.generations()).some(
      ({ model, state }) => model === 'next' && state === 'building',
    );
    return documents.map(() => (isNext ? [1, 0] : [1, 0, 0]));
  };
  let builders = [await begin()];
  const cut = async (builder: GenerationBuilder) => {
    const before = await live();
    const result = await builder.cut().catch(() => undefined);
    const after = await live();
    if (after === before) return;
    expect(result).toMatchObject({ outcome: 'live' });
    cuts += 1;
    for (const key of await client().keys('{vectors:kb}:doc:*')) {
      const document = readDocument((await client().getBuffer(key)) ?? Buffer.alloc(0));
      if (!document || document.isDeletion) continue;
      const vectors = await client().getBuffer(key.replace(':doc:', `:v${after}:`));
      expect(vectors?.subarray(0, 16), `cut ${cuts}, ${key}`).toEqual(document.digest);
    }
    token += 1;
    builders = [...builders.slice(-2), await begin()];
  };
  for (let step = 0; step < 110; step += 1) {
    const id = `d${pick(5)}`;
    const builder = builders[pick(builders.length)]!;
    const action = pick(10);
    if (action < 3) await kb.put({ id, text: `text ${pick(3)}` });
    else if (action === 3) await kb.delete(id);
    else if (action === 4) await kb.patch(id, { step });
    else if (action < 8) {
      await builder.fill().catch(() => {});
      if (random.unit() < 0.6) await cut(builder);
    } else if (action === 8) await cut(builder);
    else {
      token += 1;
      builders = [...builders.slice(-2), await begin()];
    }
  }
  expect(cuts).toBeGreaterThan(3);
});
