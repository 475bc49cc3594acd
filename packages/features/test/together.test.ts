/** Cuts of several views in one step, on a real Redis: readers see all of it or nothing, and so does whoever comes after a crash. */
import { StaleTokenError } from '@holdfast/fence';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { IncompleteError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import type { Generation } from '../src/generation/generation.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const clicks = view('clicks', { entity: user, fields: { n: t.int() } });
const ranking = service('ranking', { views: { profile, clicks } });
const VIEWS = [profile, clicks];
const NOW = Date.now();
const IDS = ['u1', 'u2', 'u3', 'u4'];
const BOTH = { profile: { batch: 'finished' }, clicks: { batch: 'finished' } } as const;

function storeOf(): Features {
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', views: VIEWS, services: [ranking], partitions: 3 },
  });
  later(() => store.close());
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'views', issuer: 'locks', signal: new AbortController().signal },
});

async function fill(store: Features, n: number, token: number, generations: readonly Generation[] = []) {
  for (const [place, of] of VIEWS.entries()) {
    const generation = generations[place];
    const lane = await store.open(of, { holder: holderOf(token), ...(generation && { generation }) });
    await lane.land(IDS.map((id) => ({ id, time: NOW, values: { n } })));
    await lane.finish();
  }
}

const begin = (store: Features, token: number): Promise<Generation[]> =>
  Promise.all(VIEWS.map((of) => store.begin(of, { holder: holderOf(token) })));

async function applied(): Promise<Features> {
  const store = storeOf();
  await store.apply();
  await fill(store, 1, 7);
  return store;
}

const states = async (store: Features): Promise<string[]> =>
  (await Promise.all(VIEWS.map((of) => store.generations(of)))).map((all) =>
    all.map(({ id, state }) => `${id} ${state}`).join(', '),
  );

/** Looks at what is live until it is stopped, past the lease for which readers hold it. Resolves to each pair that was seen. */
function watching(): () => Promise<ReadonlySet<string>> {
  const { catalog } = openParts(3);
  let isOver = false;
  const seen = new Set<string>();
  const done = (async () => {
    while (!isOver) {
      const pointers = await catalog.pointers(VIEWS.map(({ name }) => name));
      seen.add(VIEWS.map(({ name }) => pointers?.views.get(name)?.live).join(' '));
    }
  })();
  return async () => {
    isOver = true;
    await done;
    return seen;
  };
}

/** Reads until it is stopped. Resolves to what each answer had. */
function reading(store: Features): () => Promise<ReadonlySet<string>> {
  let isOver = false;
  const seen = new Set<string>();
  const done = (async () => {
    while (!isOver) {
      const answers = await store.get(
        ranking,
        IDS.map((id) => ({ user: id })),
      );
      seen.add([...new Set(answers.flatMap((each) => [each['profile.n'], each['clicks.n']]))].join(' and '));
    }
  })();
  return async () => {
    isOver = true;
    await done;
    return seen;
  };
}

describe('views that are cut together', () => {
  it('are read all as before, or all as after, and so on the way back', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    await fill(store, 2, 8, next);
    const readers = [storeOf(), storeOf()].map(reading);
    const watched = watching();
    await store.cut(next, { lanes: BOTH });
    expect(await states(store)).toEqual(['1-0 previous, 2-8 live', '1-0 previous, 2-8 live']);
    const back = await Promise.all(VIEWS.map((of) => store.generation(of, '1-0', { holder: holderOf(9) })));
    // A reader that was slow to learn of the first cut has seen it, so that there is something to be mixed.
    const slow = storeOf();
    expect(await slow.get(ranking, [{ user: 'u1' }])).toEqual([{ 'profile.n': 2, 'clicks.n': 2 }]);
    await store.cut(back, { lanes: BOTH });
    expect(await states(store)).toEqual(['1-0 live, 2-8 previous', '1-0 live, 2-8 previous']);
    for (const stop of readers) for (const seen of await stop()) expect(['1', '2']).toContain(seen);
    expect([...(await watched())].sort()).toEqual(['1-0 1-0', '2-8 2-8']);
    const changes = await client().xrange('{feat:shop}:history', '-', '+');
    const lives = changes.filter(([, fields]) => fields[2] === 'live').map(([, fields]) => fields[1]);
    expect(new Set(lives).size).toBe(2);
    expect(lives.length).toBe(4);
  });

  it('stay as they were, all of them, if one lacks something', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    const lane = await store.open(profile, { holder: holderOf(8), generation: next[0] as Generation });
    await lane.finish();
    const refused = await store.cut(next, { lanes: BOTH }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IncompleteError);
    expect(refused).toMatchObject({
      ...{ view: 'profile, clicks', generation: '2-8, 2-8' },
      missing: ['of the view "clicks", the lane "batch" has not finished'],
    });
    expect(await states(store)).toEqual(['1-0 live, 2-8 filling', '1-0 live, 2-8 filling']);
    await expect(store.cut(next, { lanes: { profile: BOTH.profile } })).rejects.toThrow(/say in "lanes"/);
  });

  it('stay as they were, all of them, if a higher token has changed one', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    await fill(store, 2, 8, next);
    await store.begin(clicks, { holder: holderOf(9) });
    await expect(store.cut(next, { lanes: BOTH })).rejects.toThrow(StaleTokenError);
    await expect(store.cut(next, { lanes: BOTH })).rejects.toThrow(/of the view "clicks"/);
    expect(await states(store)).toEqual(['1-0 live, 2-8 filling', '1-0 live, 2-8 filling, 3-9 filling']);
    expect(await client().keys('*closed*')).toEqual([]);
  });

  it('are undone together after a builder that has died, by the lane of any of them', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    await fill(store, 2, 8, next);
    const { catalog, partitions } = openParts(3);
    const wanted = next.flatMap(({ view: of, id }) => [of, id]);
    const [word, n = ''] = await catalog.change('cut', ['8', 'locks', '0', ...wanted]);
    expect(word).toBe('done');
    for (const { name } of VIEWS)
      for (const each of partitions)
        await each.call(each.verbs.close, { generation: `${name}.1-0`, n: Number(n) });
    const lane = await store.open(profile, { holder: holderOf(10) });
    await lane.land(IDS.map((id) => ({ id, time: NOW + 1, values: { n: 5 } })));
    expect(await states(store)).toEqual(['1-0 live, 2-8 filling', '1-0 live, 2-8 filling']);
    // The builder comes back: it finds its cut undone, and may begin it again.
    const swap = await catalog.change('swap', [n, '8', 'locks', 'profile', 'clicks']);
    expect(swap[0]).toBe('changed');
    await store.cut(next, { lanes: BOTH });
    expect(await states(store)).toEqual(['1-0 previous, 2-8 live', '1-0 previous, 2-8 live']);
  });

  it('a part of a cut is not brought to an end', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    const { catalog } = openParts(3);
    const wanted = next.flatMap(({ view: of, id }) => [of, id]);
    const [, n = ''] = await catalog.change('cut', ['8', 'locks', '60000', ...wanted]);
    expect((await catalog.change('swap', [n, '8', 'locks', 'profile']))[0]).toBe('changed');
    expect(await states(store)).toEqual(['1-0 live, 2-8 cutting', '1-0 live, 2-8 cutting']);
  });

  it('are of one holder and of different views', async () => {
    const store = await applied();
    const next = await begin(store, 8);
    const [first] = next as [Generation];
    const other = await store.generation(clicks, '2-8', { holder: holderOf(9) });
    await expect(store.cut([first, other], { lanes: BOTH })).rejects.toThrow(
      /of one holder.* has 9 of locks/,
    );
    await expect(store.cut([first, first], { lanes: BOTH })).rejects.toThrow(/two of "profile"/);
    await expect(store.cut([], { lanes: BOTH })).rejects.toThrow(MisuseError);
    await expect(storeOf().cut(next, { lanes: BOTH })).rejects.toThrow(/another store/);
  });
});
