/**
 * A process of a scenario: takes its role, then does what its parent asks for, one call at a time.
 *
 * Arguments: the scenario, the role, the URLs of Redis and of PostgreSQL, and what the role is given, as JSON. Guarantees:
 * what fails is answered with its reason. The process ends when its parent does.
 */
import type { Response } from '../harness/process.js';
import { scenarios } from './scenarios.js';

interface Request {
  readonly call: string;
  readonly given?: unknown;
}

const respond = (response: Response): void => void process.send?.(response);

function usage(): { cpu: number; rss: number } {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
}

async function serve([
  name = '',
  as = '',
  redis = '',
  postgres = '',
  given = '{}',
]: readonly string[]): Promise<void> {
  const role = scenarios.get(name)?.roles[as];
  if (!role) throw new Error(`There is no role "${as}" in a scenario "${name}".`);
  const calls = { usage, ...(await role({ redis, postgres }, JSON.parse(given))) };
  const answer = async ({ call, given }: Request): Promise<unknown> => {
    const asked = calls[call as keyof typeof calls] as ((given: unknown) => unknown) | undefined;
    if (!asked) throw new Error(`The role "${as}" has no call "${call}".`);
    return asked(given);
  };
  process.on('message', (request: Request) => {
    answer(request).then(
      (result) => respond({ result }),
      (error: unknown) => respond({ error: String(error) }),
    );
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => respond({ error: String(error) }));
