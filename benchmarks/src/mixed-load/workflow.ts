/** The workflow of the mixed load: two steps, and a message between them. */
import { defineWorkflow } from '@holdfast/workflow';

export const twice = defineWorkflow({ name: 'twice' }, async (ctx, { n }: { n: number }) => {
  const doubled = await ctx.step('double', () => 2 * n);
  const more = await ctx.receive<number>('more');
  return ctx.step('add', () => doubled + (more ?? 0));
});
