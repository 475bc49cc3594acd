/** A function that survives crashes. A sample of the README of the repository. */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { data } from '../nodes.js';

// #region readme
const order = defineWorkflow({ name: 'order' }, async (ctx, { price }: { price: number }) => {
  const charged = await ctx.step('charge', () => price); // tried until it is done, then kept
  const by = await ctx.receive<string>('approval'); // for days, without a worker
  return `${charged}, approved by ${by}`;
});
const workflows = createWorkflows({ redis: data, workflows: [order] });
// #endregion readme

workflows.work();
const run = await workflows.start(order, { price: 42 }, { id: 'o1' });
await run.send('approval', 'eve');
console.log(await run.result());
await workflows.close();
