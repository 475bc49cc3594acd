/**
 * A web server that also lets the runs go on: `GET /users/<user>?request=<id>`. Start as many as you need behind a balancer: a
 * request that got no answer is repeated at any other, and gets the one answer that it has.
 *
 * Settings come from the environment: REDIS_URL; PORT; LEASE, after how many ms without a sign of life the runs of a process go
 * on elsewhere; DELAY of the mocks; DEADLINE, after how many ms the caller is told to ask again.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisGuard } from '@holdfast/fence/redis';
import { AbortedError, createWorkflows, UnavailableError } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { countsIn } from './counts.js';
import { type Parts, personalise } from './personalise.js';

const { env } = process;
const url = env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const delay = Number(env['DELAY'] ?? 20);
const deadline = Number(env['DEADLINE'] ?? 1_000);

const redis = new Redis(url);
redis.on('error', () => {}); // it connects again by itself, and calls that fail are tried again with their steps
// This Redis has appendfsync always and no replica, so a restart forgets no mark. Leave the option out if yours has not.
const guard = createRedisGuard({ redis: url, persistence: 'synchronous' });

// What stands in for services that are elsewhere.
const shelf = ['atlas', 'bell', 'compass', 'drum', 'easel', 'flute', 'globe'];
const count = countsIn(guard, redis);
const parts: Parts = {
  async profileOf(user) {
    const seen = Object.entries(await redis.hgetall(`seen:${user}`)).map(([item, n]) => [item, Number(n)]);
    return { user, likes: shelf.filter((item) => item > user), seen: Object.fromEntries(seen) };
  },
  async recommend({ user, likes }) {
    await sleep(delay);
    if (user.startsWith('unlucky')) throw new Error('there are no recommendations today');
    return [...likes].sort(() => Math.random() - 0.5); // asked again, it would say something else
  },
  popular: shelf.slice(-3),
  async count(step, visit, items) {
    await count(step, visit, items);
    console.log(`counted ${visit.request} of ${visit.user}`);
    await sleep(delay); // as long as it goes on, nobody knows that it is done
  },
};

const page = personalise(parts);
const workflows = createWorkflows({ redis: url, name: 'pages', workflows: [page] });
workflows.work({ lease: Number(env['LEASE'] ?? 5_000) });

async function answer(path: string, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(path, 'http://localhost');
  const [, users, user] = pathname.split('/').map(decodeURIComponent);
  const request = searchParams.get('request');
  if (users !== 'users' || !user || !request) {
    return send(response, 404, { error: 'Ask for /users/<user>?request=<id>.' });
  }
  const started = { id: request, key: user, signal: AbortSignal.timeout(deadline) };
  send(response, 200, { user, request, items: await workflows.run(page, { user, request }, started) });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  answer(request.url ?? '/', response).catch((error: Error) => {
    const isToBeRepeated = error instanceof AbortedError || error instanceof UnavailableError;
    send(response, isToBeRepeated ? 503 : 500, { error: error.message });
  });
});

async function stop(): Promise<void> {
  server.close();
  await workflows.close(); // gives back what does not end within the grace of the worker
  redis.disconnect();
  await guard.close();
  console.log('web: stopped');
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

server.listen(Number(env['PORT'] ?? 0), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`);
  console.log('web: ready');
});
