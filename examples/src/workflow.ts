/**
 * A run that survives its workers, waits for a message without one, and writes behind a guard. The sample of the README of
 * @holdfast/workflow.
 */

// #region readme
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { data, stop } from './nodes.js';

const guard = createRedisGuard({ redis: data }); // 'redis://…', where the data lives
const order = defineWorkflow({ name: 'order' }, async (ctx, { id }: { id: string }) => {
  const price = await ctx.step('price', () => 42); // tried until it is done once; then its result is kept
  const by = await ctx.receive<string>('approval', { timeout: 86_400_000 }); // no worker is kept busy meanwhile
  return ctx.step('charge', async (step) => {
    const account = await guard.seal(step, { resource: `account:${id}` });
    await account.write([['SET', `paid:${id}`, price]]); // refused if another worker has the run now
    return `${price}, approved by ${by}`;
  });
});
const workflows = createWorkflows({ redis: data, workflows: [order] });
workflows.work(); // here, or in any number of other processes
const run = await workflows.start(order, { id: 'o1' }, { id: 'o1' }); // started again, it is the same run
await run.send('approval', 'eve');
console.log(await run.result());
await workflows.close();
// #endregion readme

await guard.close();
await stop();
