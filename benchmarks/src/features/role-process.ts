/**
 * A process that plays a role in a benchmark of the feature store: it does what its parent asks for, one request at a time.
 *
 * Arguments: the role, and what it takes. Guarantees: what fails is answered with its reason. The process ends when its parent
 * does.
 */
import type { Response } from '../harness/process.js';
import { reading } from './cutover-roles.js';
import { appending, following, probing } from './freshness-roles.js';
import { asking, serving } from './http-roles.js';
import { sharing } from './scale-roles.js';
import { counting } from './windows-roles.js';

/** Opens what a role needs, and gives what it does with a request. */
// biome-ignore lint/suspicious/noExplicitAny: each role has requests of its own, and both ends are in files beside each other.
type Role = (...args: readonly string[]) => Promise<(request: any) => Promise<unknown>>;

const ROLES: Readonly<Record<string, Role>> = {
  ...{ counting, following, appending, probing, serving, asking, reading, sharing },
};

const respond = (response: Response): void => void process.send?.(response);

async function serve([name = '', ...args]: readonly string[]): Promise<void> {
  const role = ROLES[name];
  if (role === undefined) throw new Error(`There is no role "${name}".`);
  const answer = await role(...args);
  process.on('message', (request) => {
    answer(request).then(
      (result) => respond({ result }),
      (error: unknown) => respond({ error: (error as Error).stack ?? String(error) }),
    );
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => respond({ error: String(error) }));
