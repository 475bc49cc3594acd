/**
 * A web server that answers features of ten users, and what asks it.
 *
 * Guarantees: all servers answer the same bytes to the same request, which is checked before anything is measured.
 */
import { Agent, request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { Redis } from 'ioredis';
import { inParallel, usage } from './stand.js';

export const SERVING = ['memory', 'get', 'HMGET'] as const;

const NAMES = Array.from({ length: 20 }, (_, n) => `f${n}`);
const profile = view('profile', {
  entity: entity('user'),
  fields: Object.fromEntries(NAMES.map((name) => [name, t.float64()])),
});
const ranking = service('ranking', { views: { profile } });
const USERS = 10_000;
const PER_REQUEST = 10;
/** Different requests. */
const REQUESTS = 1_000;

const valuesOf = (user: number) =>
  Object.fromEntries(NAMES.map((name, at) => [name, user + at / 10])) as Record<string, number>;

const usersOf = (turn: number): number[] =>
  Array.from({ length: PER_REQUEST }, (_, n) => (turn * 997 + n * 31) % USERS);

const openStore = (url: string) =>
  createFeatures({ redis: url, name: 'bench', views: [profile], services: [ranking] });

/** Fills Redis for all servers. */
export async function fill(url: string): Promise<void> {
  await using store = openStore(url);
  await store.apply();
  const lane = await store.open(profile, { holder: { token: 1, resource: 'bench', issuer: 'bench' } });
  const users = Array.from({ length: USERS }, (_, n) => n);
  await lane.land(users.map((n) => ({ id: `u${n}`, time: Date.now() - 60_000, values: valuesOf(n) })));
  const redis = new Redis(url);
  const pipeline = redis.pipeline();
  for (const n of users) pipeline.hset(`hash:u${n}`, valuesOf(n));
  await pipeline.exec();
  redis.disconnect();
}

type Answer = (turn: number) => Promise<string | Buffer> | string | Buffer;

/** `GET /<turn>`. Arguments: the contestant, the URL of Redis. Answers its address and its usage. */
export async function serving(contestant = '', url = '') {
  const answer = answersOf(contestant, url);
  const server = createServer((request, response) => {
    void Promise.resolve(answer(Number(request.url?.slice(1)))).then((body) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(body),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return async () => ({ ...usage(), port: (server.address() as AddressInfo).port });
}

function answersOf(contestant: string, url: string): Answer {
  if (contestant === 'get') {
    const store = openStore(url);
    return async (turn) =>
      JSON.stringify(
        await store.get(
          ranking,
          usersOf(turn).map((n) => ({ user: `u${n}` })),
        ),
      );
  }
  if (contestant === 'HMGET') {
    const redis = new Redis(url);
    return async (turn) => {
      const pipeline = redis.pipeline();
      for (const n of usersOf(turn)) pipeline.hmget(`hash:u${n}`, ...NAMES);
      const rows = (await pipeline.exec()) ?? [];
      return JSON.stringify(
        rows.map(([, values]) =>
          Object.fromEntries(
            (values as string[]).map((value, at) => [`profile.${NAMES[at]}`, Number(value)]),
          ),
        ),
      );
    };
  }
  const rowOf = (user: number) =>
    Object.fromEntries(Object.entries(valuesOf(user)).map(([name, value]) => [`profile.${name}`, value]));
  const bodies = Array.from({ length: REQUESTS }, (_, turn) =>
    Buffer.from(JSON.stringify(usersOf(turn).map(rowOf))),
  );
  return (turn) => bodies[turn] as Buffer;
}

export interface Asking {
  readonly port: number;
  readonly requests: number;
  /** How many are under way. */
  readonly most: number;
}

/** Asks a server. The answer has how long it took in all, and each request, in ms. */
export async function asking() {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return async ({ port, requests, most }: Asking) => {
    const times = new Float64Array(requests);
    const began = performance.now();
    await inParallel(requests, most, async (turn) => {
      const begin = performance.now();
      await bodyOf(agent, port, turn % REQUESTS);
      times[turn] = performance.now() - begin;
    });
    return { took: performance.now() - began, times };
  };
}

export function bodyOf(agent: Agent | undefined, port: number, turn: number): Promise<string> {
  return new Promise((resolve, reject) => {
    ask({ host: '127.0.0.1', port, path: `/${turn}`, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
