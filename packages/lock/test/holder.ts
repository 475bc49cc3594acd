/**
 * A program for the tests that pause it: holds a lease, says when it may be stopped, and after it was continued says
 * what it sees first. Arguments: what to do then ("write" or "extend"), the guard's URL, the nodes' URLs.
 *
 * It stands still in one turn of the event loop, so no timer and no input can have run before the first observation.
 */
import { writeSync } from 'node:fs';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';
import { SHORT } from './deployment.js';

const [what, guardUrl = '', ...nodes] = process.argv.slice(2);
const say = (fact: object): void => void writeSync(1, `${JSON.stringify(fact)}\n`);

const locks = createLocks({ nodes, ...SHORT });
const guard = createRedisGuard({ redis: guardUrl, window: 500 });
const lease = await locks.acquire('account', { ttl: 1_000 });
const account = await guard.seal(lease);
const { signal } = lease;

let last = performance.now(); // it may be paused as soon as it has said that
say({ token: lease.token });
for (let now = performance.now(); now - last < 300; ) {
  last = now;
  now = performance.now();
}
say({ aborted: signal.aborted, reason: signal.reason?.code, remaining: lease.remaining() });

if (what === 'write') {
  const outcome = await account.write([['SET', 'balance', 'stale']]).then(
    () => 'written',
    (error: { code: string; offered: number; seen: number }) => error,
  );
  say(
    typeof outcome === 'string'
      ? { outcome }
      : { outcome: outcome.code, offered: outcome.offered, seen: outcome.seen },
  );
} else {
  const outcome = await lease.extend();
  await account.write([['SET', 'balance', 'resumed']]);
  say({ outcome, token: lease.token, valid: lease.remaining() > 0 && !lease.signal.aborted });
}
await guard.close();
await locks.close();
