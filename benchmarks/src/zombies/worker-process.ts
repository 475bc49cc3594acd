/**
 * A process that works for one engine, and does what its parent asks for, one request at a time.
 *
 * Arguments: the subject, the name of this process, the URLs of Redis and of PostgreSQL. Guarantees: what fails is
 * answered with its reason. The process ends when its parent does.
 */
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Response } from '../harness/process.js';
import type { Engine } from './subjects/subject.js';
import { MOMENT } from './subjects/subject.js';
import { subjects } from './subjects/subjects.js';

/** What a parent asks for. */
export type Request =
  /** Begins a run; answered as soon as its first step has begun. */
  | { readonly begin: string }
  /** Answered when nothing of that run goes on here any more. */
  | { readonly settle: string }
  | { readonly takeOver: string }
  | { readonly kept: string };

const respond = (response: Response): void => void process.send?.(response);

async function serve([name, worker = '', redis = '', postgres = '']: readonly string[]): Promise<void> {
  const subject = subjects.find((each) => each.name === name);
  if (!subject) throw new Error(`There is no subject "${name}".`);
  const ledger = new Redis(redis);
  const settled = new Map<string, Promise<void>>();
  let begun: (() => void) | undefined;
  const effects = {
    worker,
    moment: () => {
      begun?.();
      return setTimeout(MOMENT);
    },
    write: async (run: string) => void (await ledger.rpush(`log:${run}`, worker)),
  };
  const engine: Engine = await subject.open({ redis, postgres }, effects);

  const begin = (run: string): Promise<void> =>
    new Promise((resolve, reject) => {
      begun = resolve;
      const ended = engine.run(run);
      ended.then(resolve, reject);
      // How it has ended here is not of interest: the process may have lost it.
      settled.set(
        run,
        ended.catch(() => {}),
      );
    });
  const carryOut = async (request: Request): Promise<unknown> => {
    if ('begin' in request) return begin(request.begin);
    if ('settle' in request) return settled.get(request.settle);
    return 'takeOver' in request ? engine.takeOver(request.takeOver) : engine.kept(request.kept);
  };
  process.on('message', (request: Request) => {
    carryOut(request).then(
      (result) => respond({ result }),
      (error: unknown) => respond({ error: String(error) }),
    );
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => respond({ error: String(error) }));
