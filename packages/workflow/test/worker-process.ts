/**
 * A program for the tests that freeze or kill it: a worker on the app "test" with a lease of 600 ms. It says what it does, a
 * line each. Arguments: the URL of Redis, that of PostgreSQL or "". It holds the step "write" of the workflow "guarded"
 * until it is told to go on by a line on its input, and then writes.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { Pool } from 'pg';

const [url = '', postgres = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const lines = createInterface({ input: process.stdin });
const told = (): Promise<void> => new Promise((resolve) => lines.once('line', () => resolve()));

const guard = createRedisGuard({ redis: url, name: 'g' });
const tables = createPostgresGuard({ sql: new Pool({ connectionString: postgres }) });

const guarded = defineWorkflow({ name: 'guarded' }, async (ctx) =>
  ctx.step('write', async (step) => {
    step.signal.addEventListener('abort', () => say(`aborted ${(step.signal.reason as Error).name}`));
    const sealed = postgres === '' ? undefined : await guard.seal(step, { resource: 'x' });
    await step.stream('log').write('stale');
    say(`began ${step.token} ${step.attempt}`);
    await told();
    say(`remaining ${step.lease.remaining()}`);
    const tell = (what: string, write: Promise<unknown> | undefined): Promise<void> =>
      Promise.resolve(write).then(
        () => say(`${what} accepted`),
        (error: Error) => say(`${what} ${error.name}`),
      );
    await tell('redis', sealed?.write([['SET', '{g}:x', 'stale']]));
    await tell(
      'postgres',
      tables.transaction(step, (tx) => tx.query(`UPDATE things SET value = 'stale'`), { resource: 'x' }),
    );
    await tell('stream', step.stream('log').write('late'));
    return 'stale';
  }),
);
createWorkflows({ redis: url, name: 'test', workflows: [guarded] }).work({ lease: 600, onError: () => {} });
