/** An index in Redis, followed by several servers: order of events, tokens, reading what was written, forgetting, absence. */
import { StaleTokenError } from '@holdfast/fence';
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { PlaceLostError } from '../src/errors.js';
import type { GenerationIndex } from '../src/follow/generation-index.js';
import { scripts } from '../src/truth/scripts.js';
import { client, follower, holderOf, idsOf, node, server, useRedis } from './setting.js';

useRedis();
const [EAST, NORTH, UP] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

describe('a write', () => {
  it('is found by every server that asks for it', async () => {
    const [one, other] = [server(), server()];
    await Promise.all([one.ready(), other.ready()]);
    for (let round = 0; round < 50; round += 1) {
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one];
      const written = await writer.put({ id: `d${round}`, vector: EAST, attributes: { round } });
      expect(written).toMatchObject({ outcome: 'written', replaced: false });
      const { hits, place } = await reader.search({ vector: EAST, limit: 100, after: written.place });
      expect(hits.find(({ id }) => id === `d${round}`)?.attributes).toEqual({ round });
      const seen = await writer.search({ vector: EAST, limit: 100, after: place });
      expect(seen.hits).toHaveLength(round + 1);
    }
  });

  it('is found without asking, because the bell rings', async () => {
    const [one, other] = [server(), server()];
    await other.ready();
    await one.put({ id: 'a', vector: EAST });
    await expect.poll(async () => idsOf(await other.search({ vector: EAST }))).toEqual(['a']);
  });

  it('is found where others write all the time, also to what is being read', async () => {
    const writer = server();
    await Promise.all(Array.from({ length: 300 }, (_, n) => writer.put({ id: `d${n}`, vector: EAST })));
    const { truth, follower: reader } = follower();
    const fetch = truth.fetch.bind(truth);
    let written = 0;
    // With each page that is read, a document of before and a new one are written.
    truth.fetch = async (...args) => {
      const found = await fetch(...args);
      await writer.put({ id: `d${299 - written}`, vector: NORTH, attributes: { written } });
      await writer.put({ id: `new${written++}`, vector: UP });
      return found;
    };
    await reader.look();
    expect(written).toBeLessThan(5);
    const ids = [...reader.documents.ids()];
    for (let n = 0; n < 300; n += 1) expect(ids).toContain(`d${n}`);
    expect(reader.documents.get('d299')?.attributes).toEqual({ written: 0 });
    expect(reader.behind).toBeGreaterThan(0);
    await reader.look();
    expect([...reader.documents.ids()]).toContain('new0');
  });

  it('of an older event changes nothing, whatever order they come in', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST, attributes: { v: 2 } }, { time: 2_000 });
    const late = await kb.put({ id: 'a', vector: NORTH, attributes: { v: 1 } }, { time: 1_999 });
    expect(late).toMatchObject({ outcome: 'older', time: new Date(2_000), isDeleted: false });
    const again = await kb.put({ id: 'a', vector: UP, attributes: { v: 3 } }, { time: 2_000 });
    const { hits } = await kb.search({ vector: UP, after: again.place });
    expect(hits).toMatchObject([{ id: 'a', attributes: { v: 3 }, time: new Date(2_000) }]);
    expect(hits[0]?.score).toBeCloseTo(1, 2);
  });

  it('that comes after a deletion of a later event does not bring the document back', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST }, { time: 1_000 });
    const gone = await kb.delete('a', { time: 3_000 });
    expect(gone).toMatchObject({ outcome: 'written', replaced: true });
    const late = await kb.put({ id: 'a', vector: EAST }, { time: 2_000 });
    expect(late).toMatchObject({ outcome: 'older', isDeleted: true });
    expect(idsOf(await kb.search({ vector: EAST, after: gone.place }))).toEqual([]);
    // The deletion leaves no vectors behind, and itself for a while only.
    const keys = await client().keys('{vectors:kb}:*');
    expect(keys.filter((key) => /:v\d+:/.test(key))).toEqual([]);
    expect(await client().pttl('{vectors:kb}:doc:a')).toBeGreaterThan(0);
  });

  it('without a time is later than what is there', async () => {
    const kb = server();
    const ahead = Date.now() + 200_000;
    await kb.put({ id: 'a', vector: EAST, attributes: { v: 1 } }, { time: ahead });
    const { place } = await kb.put({ id: 'a', vector: EAST, attributes: { v: 2 } });
    const { hits } = await kb.search({ vector: EAST, after: place });
    expect(hits).toMatchObject([{ attributes: { v: 2 }, time: new Date(ahead + 1) }]);
  });

  it('far ahead of the server changes nothing', async () => {
    const kb = server();
    const put = kb.put({ id: 'a', vector: EAST }, { time: Date.now() + 400_000 });
    await expect(put).rejects.toThrow(MisuseError);
    await expect(put).rejects.toThrow(/more than 300000 ms ahead/);
    expect(await client().exists('{vectors:kb}:doc:a')).toBe(0);
  });
});

describe('a token', () => {
  it('that is lower than that of the last writer writes nothing', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST }, { time: 1, holder: holderOf(7) });
    const stale = kb.put({ id: 'a', vector: NORTH }, { time: 2, holder: holderOf(6) });
    await expect(stale).rejects.toThrow(StaleTokenError);
    await expect(stale).rejects.toMatchObject({ resource: 'a', offered: 6, seen: 7 });
    await expect(kb.delete('a', { time: 2, holder: holderOf(6) })).rejects.toThrow(StaleTokenError);
    expect(await kb.put({ id: 'a', vector: NORTH }, { time: 2, holder: holderOf(7) })).toMatchObject({
      outcome: 'written',
    });
  });

  it('of a deletion is remembered, and one of nobody does not reset it', async () => {
    const kb = server();
    await kb.delete('a', { time: 1, holder: holderOf(7) });
    await kb.put({ id: 'a', vector: EAST }, { time: 2 });
    await expect(kb.put({ id: 'a', vector: EAST }, { time: 3, holder: holderOf(6) })).rejects.toThrow(
      StaleTokenError,
    );
  });

  it('of another issuer is not compared: the time decides', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST }, { time: 2, holder: holderOf(7) });
    const other = holderOf(1, 'queue');
    expect(await kb.put({ id: 'a', vector: EAST }, { time: 1, holder: other })).toMatchObject({
      outcome: 'older',
    });
    expect(await kb.put({ id: 'a', vector: EAST }, { time: 3, holder: other })).toMatchObject({
      outcome: 'written',
    });
  });
});

describe('a batch', () => {
  it('keeps the order of writes of one document, and judges each by itself', async () => {
    const kb = server();
    const [first, late, last, stale] = await Promise.allSettled([
      kb.put({ id: 'a', vector: EAST, attributes: { v: 1 } }, { time: 5, holder: holderOf(3) }),
      kb.put({ id: 'a', vector: EAST, attributes: { v: 2 } }, { time: 4, holder: holderOf(3) }),
      kb.put({ id: 'a', vector: EAST, attributes: { v: 3 } }, { time: 5, holder: holderOf(4) }),
      kb.put({ id: 'a', vector: EAST, attributes: { v: 4 } }, { time: 9, holder: holderOf(3) }),
    ]);
    expect(first).toMatchObject({ value: { outcome: 'written', replaced: false } });
    expect(late).toMatchObject({ value: { outcome: 'older' } });
    expect(last).toMatchObject({ value: { outcome: 'written', replaced: true } });
    expect(stale).toMatchObject({ reason: { name: 'StaleTokenError' } });
    const { hits } = await kb.search({ vector: EAST });
    expect(hits).toMatchObject([{ attributes: { v: 3 } }]);
    expect(await client().zcard('{vectors:kb}:log')).toBe(1);
  });
});

describe('a server that forgets', () => {
  it('is noticed: what it lacks is found no more, what it has anew is, and a place of before is not awaited', async () => {
    const [one, other] = [server(), server()];
    await one.put({ id: 'kept', vector: EAST });
    await one.put({ id: 'changed', vector: EAST, attributes: { v: 1 } });
    await client().save();
    const lost = await one.put({ id: 'lost', vector: EAST });
    await one.put({ id: 'changed', vector: EAST, attributes: { v: 2 } });
    await one.delete('kept');
    expect(idsOf(await other.search({ vector: EAST, after: lost.place }))).toEqual(['changed', 'lost']);
    await node().restart();
    await vi.waitFor(() => other.ready(), { timeout: 20_000, interval: 20 });
    const after = other.search({ vector: EAST, after: lost.place });
    await expect(after).rejects.toThrow(PlaceLostError);
    const { hits, place } = await other.search({ vector: EAST });
    expect(hits.map(({ id, attributes }) => [id, attributes])).toEqual([
      ['changed', { v: 1 }],
      ['kept', {}],
    ]);
    // What is written from now on is seen as before.
    const { place: next } = await vi.waitFor(
      () => one.put({ id: 'lost', vector: EAST, attributes: { v: 3 } }),
      {
        timeout: 20_000,
        interval: 20,
      },
    );
    expect(next.split('@')[0]).toBe(place.split('@')[0]);
    expect(idsOf(await other.search({ vector: EAST, after: next }))).toEqual(['changed', 'kept', 'lost']);
  });

  it('everything begins anew, under another epoch', async () => {
    const [one, other] = [server(), server()];
    const { place } = await one.put({ id: 'a', vector: EAST });
    expect(idsOf(await other.search({ vector: EAST, after: place }))).toEqual(['a']);
    await client().flushall();
    // The writer does not know that the generation of its vectors is forgotten.
    const again = await one.put({ id: 'b', vector: EAST });
    expect(again.place.split('@')[0]).not.toBe(place.split('@')[0]);
    expect(idsOf(await other.search({ vector: EAST, after: again.place }))).toEqual(['b']);
    await expect(other.search({ vector: EAST, after: place })).rejects.toThrow(PlaceLostError);
  });

  it('says so if that happens while the text of a search is embedded', async () => {
    let isForgotten = false;
    const embedder = {
      async embed() {
        if (!isForgotten) await client().flushall();
        isForgotten = true;
        await index.ready();
        return [Float32Array.from(EAST)];
      },
    };
    const index = server({ vectors: { dimensions: 3, model: 'm', embedder } });
    const { place } = await index.put({ id: 'a', vector: EAST });
    await expect(index.search({ text: 'a', after: place })).rejects.toThrow(PlaceLostError);
  });

  it('reads no more than what may differ', async () => {
    const kb = server();
    for (const id of ['a', 'b', 'c']) await kb.put({ id, vector: EAST });
    const { follower: one, truth } = follower();
    await one.look();
    const fetched = vi.spyOn(truth, 'fetch');
    await client().hset('{vectors:kb}:meta', 'server', 'another');
    await kb.put({ id: 'c', vector: NORTH });
    await one.look();
    expect(fetched.mock.calls.flatMap(([ids]) => ids)).toEqual(['c']);
  });
});

describe('a follower', () => {
  it('that was away while documents were deleted and forgotten drops them', async () => {
    const kb = server({ tombstones: 1_000 });
    for (const id of ['a', 'b', 'c']) await kb.put({ id, vector: EAST });
    const { follower: away } = follower(1_000);
    await away.look();
    expect([...away.documents.ids()].sort()).toEqual(['a', 'b', 'c']);
    const { follower: present } = follower(1_000);
    await kb.delete('b');
    await kb.put({ id: 'c', vector: NORTH, attributes: { v: 2 } });
    await present.look();
    await expect.poll(() => client().exists('{vectors:kb}:doc:b')).toBe(0);
    await expect
      .poll(async () => {
        await present.look();
        await present.purge();
        return client().zrange('{vectors:kb}:log', '0', '-1');
      })
      .toEqual(['a', 'c']);
    await away.look();
    expect([...away.documents.ids()].sort()).toEqual(['a', 'c']);
    expect(away.documents.get('c')?.attributes).toEqual({ v: 2 });
    const all = () => away.documents.select(undefined);
    const near = { name: '', most: 9, minScore: 0.5, selected: undefined, all };
    const serving = away.serving as GenerationIndex;
    expect(serving.nearest(EAST, near)).toMatchObject([{ id: 'a' }]);
  });

  it('purges nothing of which something is kept', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST });
    const { truth } = follower();
    expect(await truth.purge({ ids: ['a'], generations: [], sets: new Map() })).toBe(0);
    expect(await client().zrange('{vectors:kb}:log', '0', '-1')).toEqual(['a']);
  });

  it('reads what another program has spoilt as not there, and says so', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST });
    const { place } = await kb.put({ id: 'b', vector: EAST });
    await kb.search({ vector: EAST, after: place });
    await client().set('{vectors:kb}:doc:a', 'nonsense');
    const [key = ''] = await client().keys('{vectors:kb}:v*:b');
    const bytes = await client().getBuffer(key);
    bytes?.writeFloatLE(Number.NaN, 20);
    await client().set(key, bytes as Buffer);
    const fresh = server();
    expect(idsOf(await fresh.search({ vector: EAST }))).toEqual([]);
    expect(fresh.stats()).toMatchObject({ unreadable: 2 });
  });

  it('reads more than a page, and equals what is in Redis', async () => {
    const kb = server();
    const ids = Array.from({ length: 700 }, (_, index) => `d${index}`);
    await Promise.all(ids.map((id, index) => kb.put({ id, vector: [1, index / 700, 0] })));
    await Promise.all(ids.filter((_, index) => index % 3 === 0).map((id) => kb.delete(id)));
    const fresh = server();
    await fresh.ready();
    const { hits } = await fresh.search({ vector: EAST, limit: 1_000 });
    expect(hits.map(({ id }) => id).sort()).toEqual(ids.filter((_, index) => index % 3 !== 0).sort());
  });
});

describe('what cannot be', () => {
  it.each([
    [{ id: '', vector: EAST }, /id of a document/],
    [{ id: 'a', vector: [1, 2] }, /3 dimensions; got 2/],
    [{ id: 'a', vector: [1, Number.NaN, 0] }, /dimension 1 is NaN/],
    [{ id: 'a', vector: [0, 0, 0] }, /no direction/],
    [{ id: 'a', vector: EAST, vectors: [EAST] }, /give one of them/],
    [{ id: 'a', attributes: { lang: 5 } }, /"lang".*a text or a list of texts; got 5/],
    [{ id: 'a', attributes: { size: 'big' } }, /"size".*a finite number; got "big"/],
  ])('%j is refused, and nothing is stored', async (document, message) => {
    const kb = server({ schema: { lang: 'tag', size: 'number' } });
    await expect(kb.put(document)).rejects.toThrow(message);
    await expect(kb.put(document)).rejects.toThrow(MisuseError);
    expect(await client().keys('*doc*')).toEqual([]);
  });

  it('other dimensions than the index has are refused', async () => {
    await server().put({ id: 'a', vector: EAST });
    const other = server({ vectors: { dimensions: 4 } });
    await expect(other.put({ id: 'a', vector: [1, 0, 0, 0] })).rejects.toThrow(
      /"dimensions":3.*"dimensions":4/,
    );
    await expect(other.search({ vector: [1, 0, 0, 0] })).rejects.toThrow(MisuseError);
  });

  it('a newer layout is refused, and nothing is touched', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST });
    await client().hset('{vectors:kb}:meta', 'layout', '2');
    await expect(kb.put({ id: 'a', vector: NORTH })).rejects.toThrow(
      /key layout 2.*Update @holdfast\/vectors/,
    );
  });
});

describe('a filter', () => {
  it('finds what matches by tags and numbers, and refuses what it does not know', async () => {
    const kb = server({ schema: { lang: 'tag', size: 'number' } });
    await kb.put({ id: 'a', vector: EAST, attributes: { lang: 'en', size: 1 } });
    await kb.put({ id: 'b', vector: EAST, attributes: { lang: ['en', 'de'], size: 2 } });
    const { place: after } = await kb.put({ id: 'c', vector: EAST, attributes: { size: 3 } });
    const found = async (filter: object) =>
      idsOf(await kb.search({ vector: EAST, filter: { ...filter }, after }));
    expect(await found({ lang: 'en' })).toEqual(['a', 'b']);
    expect(await found({ lang: { in: ['de', 'fr'] } })).toEqual(['b']);
    expect(await found({ lang: { not: 'de' } })).toEqual(['a', 'c']);
    expect(await found({ size: { gt: 1, lte: 3 } })).toEqual(['b', 'c']);
    expect(await found({ lang: 'en', size: 2 })).toEqual(['b']);
    expect(await found({ or: [{ lang: 'de' }, { size: 3 }] })).toEqual(['b', 'c']);
    expect(await found({ not: { and: [{ lang: 'en' }, { size: { lt: 2 } }] } })).toEqual(['b', 'c']);
    await expect(found({ colour: 'red' })).rejects.toThrow(/"colour".*it has lang, size/);
    await expect(found({ size: { in: [1] } })).rejects.toThrow(MisuseError);
    await expect(found({ size: { gt: 'x' } })).rejects.toThrow(/"gt".*finite number/);
  });
});

describe('an index that is closed', () => {
  it('rejects what was under way as aborted, and what comes after as a mistake', async () => {
    const kb = server({ schema: { lang: 'tag' } });
    const { place: after } = await kb.put({ id: 'a', vector: EAST });
    const calls = () => [
      kb.ready(),
      kb.put({ id: 'b', vector: EAST }),
      kb.patch('a', {}),
      kb.delete('a'),
      kb.deleteAll({ filter: {} }),
      kb.search({ vector: EAST }),
      kb.count(),
      kb.scroll({ after }),
      kb.get('a'),
    ];
    const pending = calls();
    const settled = Promise.allSettled(pending);
    await kb.close();
    for (const [place, one] of (await settled).entries())
      if (one.status === 'rejected') expect(one.reason, `call ${place}`).toBeInstanceOf(AbortedError);
      else expect.fail(`call ${place} was done`);
    for (const one of calls()) await expect(one).rejects.toThrow(MisuseError);
    await kb.close();
  });

  it('does not answer from what it has read before', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST });
    await kb.ready();
    await kb.close();
    await expect(kb.search({ vector: EAST })).rejects.toThrow(/is closed; create another/);
    await expect(kb.get('a')).rejects.toThrow(MisuseError);
  });
});

it('deletes where the memory of Redis is full, which makes room, and refuses what takes some', async () => {
  const kb = server();
  await kb.put({ id: 'a', vector: EAST });
  await kb.put({ id: 'b', vector: EAST });
  await client().config('SET', 'maxmemory', '1');
  try {
    const [put, deletion] = await Promise.allSettled([kb.put({ id: 'c', vector: EAST }), kb.delete('a')]);
    expect(put).toMatchObject({ status: 'rejected', reason: { name: 'UnavailableError' } });
    expect(deletion).toMatchObject({ status: 'fulfilled', value: { outcome: 'written', replaced: true } });
    const { deleted, place: after } = await kb.deleteAll({ filter: {} });
    expect({ deleted, left: await kb.count(after === undefined ? {} : { after }) }).toEqual({
      deleted: 1,
      left: 0,
    });
  } finally {
    await client().config('SET', 'maxmemory', '0');
  }
});

it('deletes nothing by a filter that was left out', async () => {
  const kb = server();
  const { place: after } = await kb.put({ id: 'a', vector: EAST });
  await expect(kb.deleteAll({} as never)).rejects.toThrow(/needs a "filter"/);
  expect(await kb.deleteAll({ filter: {}, after })).toMatchObject({ deleted: 1 });
});

it('the scripts are a library that a server takes', async () => {
  const library = scripts[0]?.library;
  expect(await client().call('FUNCTION', 'LOAD', 'REPLACE', library?.text ?? '')).toBe(library?.name);
});
