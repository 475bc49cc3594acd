/** Documents that expire, that have many chunks, that are patched, counted, paged and deleted by filters. */
import { MisuseError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { ServerTime } from '../src/follow/server-time.js';
import { client, holderOf, idsOf, server, useRedis } from './setting.js';

useRedis();
const [EAST, NORTH, UP] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** The server's time, in ms. */
async function now(): Promise<number> {
  const [seconds = 0, micros = 0] = await client().time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

const expiryOf = async (id: string): Promise<number> =>
  (await client().getBuffer(`{vectors:kb}:doc:${id}`))?.readDoubleLE(32) ?? 0;

describe('a document with a time to live', () => {
  it('is never found after its ms, and goes on refusing what was true before', async () => {
    const kb = server();
    await kb.ready();
    for (let round = 0; round < 5; round += 1) {
      const { place } = await kb.put(
        { id: 'a', vector: EAST },
        { time: 1_000 + round, ttl: 40 + 17 * round },
      );
      const expiry = await expiryOf('a');
      for (;;) {
        const before = await now();
        const [ids, known, count] = [
          idsOf(await kb.search({ vector: EAST, after: place })),
          await kb.get('a'),
          await kb.count(),
        ];
        if (ids.length > 0) expect(before).toBeLessThan(expiry);
        if (ids.length === 0) expect([known, count]).toEqual([undefined, 0]);
        if (ids.length === 0) break;
      }
    }
    expect(await client().exists('{vectors:kb}:doc:a')).toBe(1);
    expect(await kb.put({ id: 'a', vector: EAST }, { time: 1_000 })).toMatchObject({ outcome: 'older' });
  });

  it('stays if it is written again without one', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST }, { ttl: 50 });
    const expiry = await expiryOf('a');
    const { place } = await kb.put({ id: 'a', vector: NORTH });
    await expect.poll(now).toBeGreaterThan(expiry);
    expect(idsOf(await kb.search({ vector: EAST, after: place }))).toEqual(['a']);
    expect(await client().pttl('{vectors:kb}:doc:a')).toBe(-1);
  });

  it('keeps its expiry when it is patched, and gets another one if the patch has', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST }, { ttl: 60_000 });
    const expiry = await expiryOf('a');
    await kb.patch('a', { v: 2 });
    expect(await expiryOf('a')).toBe(expiry);
    await kb.patch('a', { v: 3 }, { ttl: 90_000 });
    expect(await expiryOf('a')).toBeGreaterThan(expiry);
    const [key = ''] = await client().keys('{vectors:kb}:v*:a');
    expect(await client().pexpiretime(key)).toBe(await client().pexpiretime('{vectors:kb}:doc:a'));
  });
});

it('the time of the server is never underestimated by the answers of a slow network', () => {
  let local = 0;
  const time = new ServerTime({ now: () => local } as never);
  const offset = 1_000_000;
  for (const [sent, answered, seen] of [
    [0, 100, 99],
    [200, 900, 201],
    [950, 951, 950],
  ] as const) {
    local = answered;
    time.note(sent, Math.floor(seen + offset));
    expect(time.now()).toBeGreaterThanOrEqual(answered + offset);
  }
});

describe('a document of many chunks', () => {
  it('is found once, by the nearest of them', async () => {
    const kb = server();
    await kb.put({ id: 'a', vectors: [NORTH, EAST, UP] });
    const { place } = await kb.put({ id: 'b', vector: [1, 0.5, 0] });
    const { hits } = await kb.search({ vector: EAST, after: place });
    expect(hits).toMatchObject([
      { id: 'a', chunk: 1 },
      { id: 'b', chunk: 0 },
    ]);
  });

  it('does not fill the results alone', async () => {
    const kb = server();
    const many = (id: number) => Array.from({ length: 200 }, (_, j) => [1, 0.3 * id, j / 1_000]);
    await Promise.all([0, 1, 2].map((each) => kb.put({ id: `many${each}`, vectors: many(each) })));
    await Promise.all([0, 1, 2].map((each) => kb.put({ id: `one${each}`, vector: [1, 1 + each, 0] })));
    expect(idsOf(await kb.search({ vector: EAST, limit: 6 }))).toEqual([
      ...['many0', 'many1', 'many2', 'one0', 'one1', 'one2'],
    ]);
    expect(idsOf(await kb.search({ vector: EAST, limit: 2, offset: 2 }))).toEqual(['many2', 'one0']);
  });

  it('is replaced as a whole: a search sees all of one state', async () => {
    const [writer, reader] = [server(), server()];
    await writer.put({ id: 'a', vectors: [EAST], attributes: { way: 'east' } });
    await reader.ready();
    let isOver = false;
    const seen = new Set<string>();
    const reading = (async () => {
      while (!isOver) {
        const [east, north] = [await reader.search({ vector: EAST }), await reader.search({ vector: NORTH })];
        for (const [way, { hits }] of [
          ['east', east],
          ['north', north],
        ] as const) {
          const [hit] = hits;
          if (!hit) throw new Error('the document was in no state');
          const { way: of } = hit.attributes;
          if (hit.score > 0.9 !== (of === way)) throw new Error(`${way}: ${of} ${hit.score}`);
          seen.add(String(of));
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 60; round += 1) {
      const isNorth = round % 2 === 0;
      const vectors = Array.from({ length: 1 + (round % 7) * 5 }, () => (isNorth ? NORTH : EAST));
      await writer.put({ id: 'a', vectors, attributes: { way: isNorth ? 'north' : 'east' } });
    }
    isOver = true;
    await reading;
    expect([...seen].sort()).toEqual(['east', 'north']);
  });
});

describe('a patch', () => {
  it('changes attributes, removes some, and keeps the vectors', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST, attributes: { lang: 'en', old: 1, n: 1 } }, { time: 10 });
    const patched = await kb.patch('a', { n: 2, old: null }, { time: 11 });
    if (patched.outcome !== 'written') throw new Error(patched.outcome);
    const { hits } = await kb.search({ vector: EAST, after: patched.place });
    expect(hits).toMatchObject([{ id: 'a', attributes: { lang: 'en', n: 2 }, time: new Date(11) }]);
    expect(Object.keys(hits[0]?.attributes ?? {})).not.toContain('old');
    expect(hits[0]?.score).toBeCloseTo(1, 2);
  });

  it('that is older, stale, or of nothing changes nothing', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST, attributes: { n: 1 } }, { time: 10, holder: holderOf(7) });
    expect(await kb.patch('a', { n: 2 }, { time: 9 })).toMatchObject({ outcome: 'older' });
    await expect(kb.patch('a', { n: 2 }, { time: 11, holder: holderOf(6) })).rejects.toThrow(
      /token 7; 6 is lower/,
    );
    expect(await kb.patch('b', { n: 2 })).toEqual({ outcome: 'absent' });
    await kb.delete('a');
    expect(await kb.patch('a', { n: 2 })).toEqual({ outcome: 'absent' });
  });

  it('does not lose another one at the same time', async () => {
    const kb = server();
    await kb.put({ id: 'a', vector: EAST });
    const all = ['x', 'y', 'z'];
    await Promise.all(all.map((name) => kb.patch('a', { [name]: true })));
    expect((await server().get('a'))?.attributes).toEqual({ x: true, y: true, z: true });
  });
});

describe('documents by their attributes', () => {
  const fill = async () => {
    const kb = server({ schema: { lang: 'tag', size: 'number' } });
    const langs = ['en', 'de', ['en', 'fr']];
    const ids = Array.from({ length: 30 }, (_, index) => `d${String(index).padStart(2, '0')}`);
    const put = (id: string, index: number) =>
      kb.put({ id, vector: EAST, attributes: { lang: langs[index % 3], size: index } });
    // Those that are under way together may be written in another order, so the first one comes last.
    await Promise.all(ids.slice(1).map((id, index) => put(id, index + 1)));
    const { place } = await put(ids[0]!, 0);
    return { kb, after: place };
  };

  it('are counted, and so are their values', async () => {
    const { kb, after } = await fill();
    expect(await kb.count({ after })).toBe(30);
    expect(await kb.count({ filter: { lang: 'en' } })).toBe(20);
    const filter = { size: { gte: 15 } };
    const { facets, hits } = await kb.search({ vector: EAST, filter, facets: ['lang'], limit: 2 });
    expect(hits).toHaveLength(2);
    expect(facets).toEqual({
      lang: [
        { value: 'en', count: 10 },
        { value: 'de', count: 5 },
        { value: 'fr', count: 5 },
      ],
    });
    await expect(kb.search({ vector: EAST, facets: ['colour'] })).rejects.toThrow(MisuseError);
  });

  it('are paged in the order of their ids, each once, whatever is written between the pages', async () => {
    const { kb, after } = await fill();
    const ids: string[] = [];
    let from: string | undefined;
    let last = after;
    do {
      const page = await kb.scroll({ filter: { lang: 'en' }, limit: 7, after, ...(from && { from }) });
      ids.push(...page.documents.map(({ id }) => id));
      from = page.next;
      last = (await kb.put({ id: 'c', vector: EAST, attributes: { lang: 'en' } })).place;
    } while (from !== undefined);
    expect(ids).toHaveLength(20);
    expect(ids).toEqual([...new Set(ids)].sort());
    // Of few among many, and of all.
    const few = await kb.scroll({ filter: { lang: 'de' }, limit: 4 });
    expect([few.documents.length, few.next]).toEqual([4, few.documents.at(-1)?.id]);
    const rest = await kb.scroll({ filter: { lang: 'de' }, limit: 20, from: few.next as string });
    expect([rest.documents.length, rest.next]).toEqual([6, undefined]);
    expect((await kb.scroll({ limit: 31, after: last })).documents).toHaveLength(31);
    expect((await kb.scroll({ limit: 30 })).next).toBeDefined();
  });

  it('are deleted, but for those that were written meanwhile', async () => {
    const { kb } = await fill();
    await kb.ready();
    // Sent together: this process does not know of the put when it selects.
    const [, { deleted, kept, place = '' }] = await Promise.all([
      kb.put({ id: 'd00', vector: EAST, attributes: { lang: 'it' } }),
      kb.deleteAll({ filter: { lang: 'en' } }),
    ]);
    expect([deleted, kept]).toEqual([19, 1]);
    expect(await kb.count({ after: place })).toBe(11);
    expect((await kb.get('d00'))?.attributes).toEqual({ lang: 'it' });
    expect(await kb.deleteAll({ filter: { lang: 'en' } })).toEqual({ deleted: 0, kept: 0, place: undefined });
  });

  it('are found by where they are', async () => {
    const kb = server({ schema: { office: 'geo' } });
    const offices = {
      berlin: { lat: 52.52, lon: 13.405 },
      potsdam: { lat: 52.391, lon: 13.065 },
      suva: { lat: -18.141, lon: 178.442 },
      apia: { lat: -13.833, lon: -171.767 },
    };
    await kb.put({ id: 'nowhere', vector: EAST });
    for (const [id, office] of Object.entries(offices))
      await kb.put({ id, vector: EAST, attributes: { office } });
    const near = { ...offices.berlin, radius: 30_000 };
    const around = { office: { near } };
    await kb.patch('potsdam', { office: { lat: 52.4, lon: 13.06 } });
    const { place: after } = await kb.put({ id: 'none', attributes: { office: null } });
    expect(idsOf(await kb.search({ vector: EAST, filter: around, after })).sort()).toEqual([
      'berlin',
      'potsdam',
    ]);
    expect(await kb.count({ filter: { office: { near: { ...near, radius: 20_000 } } } })).toBe(1);
    const pacific = { office: { box: { south: -20, west: 170, north: 0, east: -170 } } };
    const { documents } = await kb.scroll({ filter: pacific });
    expect(documents.map(({ id }) => id)).toEqual(['apia', 'suva']);
    await expect(kb.search({ vector: EAST, facets: ['office'] })).rejects.toThrow(
      /"office", which is a position/,
    );
    for (const office of [{ lat: 91, lon: 0 }, { lat: 0, lon: Number.NaN }, [52, 13], '52,13']) {
      await expect(kb.put({ id: 'x', attributes: { office } })).rejects.toThrow(
        /"office" of the document "x" is \{ lat, lon \}/,
      );
      await expect(kb.patch('apia', { office })).rejects.toThrow(MisuseError);
    }
    expect(await kb.deleteAll({ filter: { not: pacific } })).toMatchObject({ deleted: 4, kept: 0 });
    expect((await kb.get('suva'))?.attributes).toEqual({ office: offices.suva });
  });
});
