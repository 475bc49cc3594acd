/**
 * What is around a run: an event that starts it, a stream that is read while a step writes it, and a reader that is told of
 * its end. A sample of the README of @holdfast/workflow.
 */

// #region readme
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { data, stop } from './nodes.js';

const thank = defineWorkflow({ name: 'thank' }, (ctx, { account }: { id: string; account: string }) =>
  ctx.step('write', async (step) => {
    for (const word of ['Thank', 'you,', account]) await step.stream('letter').write(word);
  }),
);
const workflows = createWorkflows({ redis: data, workflows: [thank] });
workflows.work();
workflows.on('paid', thank, {
  id: ({ id }) => id, // published again, the event finds its run
});
await workflows.publish([{ name: 'paid', id: 'e1', data: { id: 'o1', account: 'eve' } }]);

for await (const item of workflows.get(thank, 'o1').stream<string>('letter')) {
  if (item.kind === 'chunk') console.log(item.chunk); // also in another process, while it is written
}
for await (const event of workflows.events({ reader: 'billing' })) {
  console.log(event.kind); // begins where "billing" stopped
  if (event.kind === 'ended') break;
}
await workflows.close();
// #endregion readme

await stop();
