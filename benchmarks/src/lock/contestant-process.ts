/**
 * The process of one contestant: starts it, then measures what its parent asks for, one request at a time.
 *
 * Guarantees: a contestant's heap, compiled code and garbage are its own, so no contestant pays for another, and the
 * peak of its memory can be told. A measurement that fails is answered with its reason. The process ends when its
 * parent does, however that ends.
 */
import type { Response } from '../harness/process.js';
import { contestants, type Session } from './contestants.js';
import { measures, type Request } from './measures/measures.js';

async function serve(name: string, urls: readonly string[]): Promise<void> {
  const index = contestants.findIndex((candidate) => candidate.name === name);
  const contestant = contestants[index];
  if (!contestant) throw new Error(`There is no contestant "${name}".`);
  const { acquire, stop } = await contestant.start(urls);
  // A key space of its own, so that nobody meets a lock that somebody else left.
  const session: Session = { acquire: (resource) => acquire(`${index}:${resource}`), stop };
  process.on('message', (request: Request) => void answer(session, request));
  respond({ result: 'ready' });
}

async function answer(session: Session, { measure, options }: Request): Promise<void> {
  try {
    const run = measures[measure] as (session: Session, options: unknown) => Promise<unknown>;
    respond({ result: await run(session, options) });
  } catch (error) {
    respond({ error: String(error) });
  }
}

function respond(response: Response): void {
  process.send?.(response);
}

const [name, ...urls] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
serve(name ?? '', urls).catch((error: unknown) => {
  respond({ error: String(error) });
});
