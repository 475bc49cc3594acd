/**
 * Reads over HTTP: features of ten users beside a bare handler that has the same bytes in memory, and a search of vectors beside
 * the same search in process; and both by gRPC.
 *
 * Guarantees: the bare handler answers what the server answered, byte for byte.
 */
import { createIndex, type VectorIndex } from '@holdfast/vectors';
import { fill } from '../features/http-roles.js';
import type { Stand } from '../features/stand.js';
import { quantile } from '../harness/statistics.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, vectorSource } from '../vectors/data.js';
import type { Asker } from './asker.js';
import type { GrpcAsker } from './grpc.js';

export const READING = ['holdfast', 'node:http', 'gRPC'] as const;
export const SEARCHING = ['HTTP', 'in process', 'gRPC'] as const;
export const READS_UNDER_WAY = 16;
const USERS = 10;
const RANKING = '/v1/features/bench/services/ranking:read';
const NEAREST = { limit: 10 };

export type Askers = Readonly<Record<'holdfast' | 'node:http', Asker>> & { readonly gRPC: GrpcAsker };

/** Fills Redis, and has the bare handler answer what the server answers. Resolves to what measures a round. */
export async function openReads(stand: Stand, askers: Askers, redis: string) {
  await fill(redis);
  const ids = Array.from({ length: USERS }, (_, n) => ({ user: `u${n * 31}` }));
  const body = JSON.stringify({ ids });
  const message = { store: 'bench', service: 'ranking', ids: ids.map((parts) => ({ parts })) };
  await askers['node:http'].say('PUT', RANKING, await askers.holdfast.say('POST', RANKING, body));
  return async (round: number): Promise<void> => {
    const requests = stand.pick(20_000, 200);
    for (const name of turns(READING, round)) {
      const posting = { path: RANKING, body, requests, most: READS_UNDER_WAY };
      const { took, times } =
        name === 'gRPC' ? await askers[name].readAll(message, posting) : await askers[name].postAll(posting);
      if (round === 0) continue;
      stand.note('read', name, {
        'read: requests/s': requests / (took / 1_000),
        'read: p50, ms': quantile(times, 0.5),
        'read: p99, ms': quantile(times, 0.99),
      });
    }
  };
}

/** Fills an index, and waits until both follow it. Resolves to what measures a round. */
export async function openSearches(stand: Stand, { holdfast: asker, gRPC }: Askers, redis: string) {
  const index = createIndex({ redis, name: 'bench', vectors: { dimensions: DIMENSIONS } });
  stand.later(() => index.close());
  const source = vectorSource(1, 100);
  const place = await putAll(index, source.next(stand.pick(50_000, 500)));
  const queries = source.next(stand.pick(1_000, 20)).map((vector) => [...vector]);
  await index.search({ vector: queries[0] as number[], after: place, wait: 30_000 });
  await asker.say('POST', SEARCH, JSON.stringify({ vector: queries[0], after: place, wait: 30_000 }));
  const bodies = queries.map((vector) => {
    const bytes = Buffer.from(Float32Array.from(vector).buffer);
    return JSON.stringify({ vector: bytes.toString('base64'), ...NEAREST });
  });
  const searches: Record<(typeof SEARCHING)[number], (turn: number) => Promise<unknown>> = {
    HTTP: (turn) => asker.say('POST', SEARCH, bodies[turn] as string),
    gRPC: (turn) => gRPC.search({ index: 'bench', vector: { values: queries[turn] }, ...NEAREST }),
    'in process': (turn) => index.search({ vector: queries[turn] as number[], ...NEAREST }),
  };
  return async (round: number): Promise<void> => {
    for (const name of turns(SEARCHING, round)) {
      const times = new Float64Array(queries.length);
      for (let turn = 0; turn < queries.length; turn += 1) {
        const began = performance.now();
        await searches[name](turn);
        times[turn] = performance.now() - began;
      }
      if (round === 0) continue;
      stand.note('search', name, {
        'search: p50, ms': quantile(times, 0.5),
        'search: p99, ms': quantile(times, 0.99),
      });
    }
  };
}

const SEARCH = '/v1/indexes/bench/search';
const AT_ONCE = 500;

/** Resolves to a place that sees all. */
async function putAll(index: VectorIndex, vectors: readonly Float32Array[]): Promise<string> {
  let place = '';
  for (let from = 0; from < vectors.length; from += AT_ONCE) {
    const some = vectors.slice(from, from + AT_ONCE);
    const written = await Promise.all(some.map((vector, at) => index.put({ id: `${from + at}`, vector })));
    place = written.at(-1)?.place ?? place;
  }
  await index.ready();
  return place;
}
