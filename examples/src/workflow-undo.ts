/**
 * A run that fails, and undoes what it has done. The sample on undoing in the README of @holdfast/workflow.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, defineWorkflow, NonRetryableError, type Step } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { data, stop } from './nodes.js';

const guard = createRedisGuard({ redis: data });

async function write(step: Step, text: string): Promise<void> {
  const account = await guard.seal(step, { resource: 'account:42' });
  await account.write([['SET', 'account:42', text]]);
}

// #region readme
const order = defineWorkflow({ name: 'order' }, async (ctx) => {
  await ctx.step('charge', (step) => write(step, 'charged'), {
    undo: (step, { outcome }) => write(step, `given back: it was ${outcome}`), // outcome is 'done' or 'unknown'
  });
  await ctx.step('ship', () => {
    throw new NonRetryableError('sold out');
  });
});
// #endregion readme

const workflows = createWorkflows({ redis: data, workflows: [order] });
workflows.work();
await workflows.run(order, undefined).catch((error: Error) => console.log(error.name));
await workflows.close();
const redis = new Redis(data);
console.log(await redis.get('account:42'));
redis.disconnect();
await guard.close();
await stop();
