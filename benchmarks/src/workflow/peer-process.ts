/**
 * The process of one peer: opens it in a role, then does what its parent asks for, one request at a time.
 *
 * Arguments: the peer's name, the role, the URLs of Redis and of PostgreSQL. Guarantees: a peer's heap, compiled code and
 * garbage are its own. What fails is answered with its reason. The process ends when its parent does.
 */

import type { Response } from '../harness/process.js';
import { NodeObserver } from '../redis-info.js';
import { callLoop, type Loop, type Measured } from './loop.js';
import type { Opened, Role } from './peers/peer.js';
import { peers } from './peers/peers.js';

/** What a parent asks for: runs in a closed loop, or one long run. */
export type Request = Loop | { readonly laps: number };

async function answer(opened: Opened, observer: NodeObserver, request: Request): Promise<unknown> {
  if (!('laps' in request)) return callLoop(opened, observer, request) satisfies Promise<Measured>;
  return (await opened.laps?.(request.laps)) ?? [];
}

const respond = (response: Response): void => void process.send?.(response);

async function serve([name, role, redis = '', postgres = '']: readonly string[]): Promise<void> {
  const peer = peers.find((each) => each.name === name);
  if (!peer) throw new Error(`There is no peer "${name}".`);
  const opened = await peer.open({ redis, postgres }, role as Role);
  const observer = new NodeObserver([redis]);
  await observer.ready();
  process.on('message', (request: Request) => {
    answer(opened, observer, request).then(
      (result) => respond({ result }),
      (error: unknown) => respond({ error: String(error) }),
    );
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => {
  respond({ error: String(error) });
});
