/** Nonsense that a function gives to its calls is a MisuseError that names the call and the value, in the call's promise. */
import { defineWorkflow, type WorkflowContext } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';

/** As a program without types may call it. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point.
const any = (value: unknown): any => value;
const child = defineWorkflow({ name: 'child' }, async () => 1);

type Call = (ctx: WorkflowContext) => Promise<unknown>;

it.each<[string, Call, string]>([
  ['map(null)', (ctx) => ctx.map(any(null), async () => 1), 'ctx.map takes an array of items; got null.'],
  ['map(5)', (ctx) => ctx.map(any(5), async () => 1), 'ctx.map takes an array of items; got 5.'],
  ['map(text)', (ctx) => ctx.map(any('ab'), async () => 1), 'ctx.map takes an array of items; got "ab".'],
  ['map(…, null)', (ctx) => ctx.map([1], any(null)), 'The body of ctx.map is a function; got null.'],
  ['map(…, { width })', (ctx) => ctx.map([1], () => 1, any({ width: 1 })), 'map has no option "width"'],
  [
    'all(null)',
    (ctx) => ctx.all(any(null)),
    'ctx.all takes an object of branches, by their names; got null.',
  ],
  ['all(5)', (ctx) => ctx.all(any(5)), 'ctx.all takes an object of branches, by their names; got 5.'],
  [
    'all({ a: promise })',
    (ctx) => ctx.all(any({ a: Promise.resolve() })),
    'The branch "a" of ctx.all is a function; got [object Promise].',
  ],
  ['all([null])', (ctx) => ctx.all(any([null])), 'The branch "0" of ctx.all is a function; got null.'],
  ['race(5)', (ctx) => ctx.race(any(5)), 'ctx.race takes at least one branch, in an array; got 5.'],
  ['race([null])', (ctx) => ctx.race(any([null])), 'The branch 0 of ctx.race is a function; got null.'],
  [
    'race([, f])',
    (ctx) => ctx.race(any([() => 1, undefined])),
    'The branch 1 of ctx.race is a function; got undefined.',
  ],
  ...[5, null, undefined, {}, { next: 1, done: 2 }].map((pass, index): [string, Call, string] => [
    `loop, pass ${index}`,
    (ctx) => ctx.loop(1, async () => any(pass)),
    'A pass of ctx.loop gives either { next } or { done }; got ',
  ]),
  ['loop(1, 5)', (ctx) => ctx.loop(1, any(5)), 'The body of ctx.loop is a function; got 5.'],
  ['scope(null)', (ctx) => ctx.scope(any(null)), 'The body of ctx.scope is a function; got null.'],
  ['shield({})', (ctx) => ctx.shield(any({})), 'The body of ctx.shield is a function; got [object Object].'],
  [
    'step({ of: 10n })',
    (ctx) => ctx.step('x', () => 1, { of: 10n }),
    'The "of" of "x" is not JSON: Do not know how to serialize a BigInt',
  ],
  ['once({ of: fn })', (ctx) => ctx.once('x', () => 1, { of: () => 1 }), 'The "of" of "x" is JSON; got '],
  ['step(…, null)', (ctx) => ctx.step('x', () => 1, any(null)), 'step takes an object with '],
  ['child(null)', (ctx) => ctx.child(any(null), 1), 'A child is of a workflow, as defineWorkflow makes it'],
  ['child(name)', (ctx) => ctx.child('a name', 1), 'The name of the workflow of a child is 1 to 64 letters'],
  ['child({ run })', (ctx) => ctx.child(any({ run: child.run }), 1), 'A child is of a workflow, as '],
  [
    'child({ input: 5 })',
    (ctx) => ctx.child(any({ ...child, input: 5 }), 1),
    'The input of the workflow "child" is a schema of a library that speaks Standard Schema, such as zod; got 5.',
  ],
  ...[null, 5, []].map((options): [string, Call, string] => [
    `child(…, ${JSON.stringify(options)})`,
    (ctx) => ctx.child(child, 1, any(options)),
    'child takes an object with key, onParentEnd; got ',
  ]),
  ['child({ kay })', (ctx) => ctx.child(child, 1, any({ kay: 1 })), 'child has no option "kay"'],
  ['child({ key: 5 })', (ctx) => ctx.child(child, 1, any({ key: 5 })), 'got 5.'],
  ['child({ key: null })', (ctx) => ctx.child(child, 1, any({ key: null })), 'got null.'],
  [
    'child({ onParentEnd })',
    (ctx) => ctx.child(child, 1, any({ onParentEnd: Symbol('s') })),
    'onParentEnd is "cancel" or "abandon"; got Symbol(s).',
  ],
  ['child(…, 10n)', (ctx) => ctx.child(any(child), 10n), 'The input of the child "child" is not JSON'],
  ['sleepUntil(symbol)', (ctx) => ctx.sleepUntil(any(Symbol('s'))), 'got Symbol(s).'],
  ['sleepUntil(null)', (ctx) => ctx.sleepUntil(any(null)), 'got null.'],
  ['sleep(null)', (ctx) => ctx.sleep(any(null)), 'The time to sleep'],
  [
    'receive(…, null)',
    (ctx) => ctx.receive('x', any(null)),
    'receive takes an object with timeout; got null.',
  ],
  ['approve(…, 5)', (ctx) => ctx.approve('x', any(5)), 'approve takes an object with '],
  ['approve(bigint)', (ctx) => ctx.approve('x', { show: 1n }), 'What the approval "x" shows is not JSON'],
  ['task(null)', (ctx) => ctx.task(any(null), 1), 'A queue has add(data, { id }); got null.'],
  ['continueAs(1n)', (ctx) => ctx.continueAs(1n), 'The input of ctx.continueAs is not JSON'],
  ['compensate(…, 5)', async (ctx) => ctx.compensate('x', any(5)), 'The compensation is a function'],
  ['patch(5)', async (ctx) => ctx.patch(any(5)), 'The name of a patch'],
  ['state.set(1n)', async (ctx) => ctx.state.set(1n), 'The state is not JSON'],
])('refuses %s', async (_, call, message) => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    const thrown = await call(ctx).catch((error: Error) => error);
    const { name, message } = thrown as Error;
    return { name, message, after: await ctx.step('after', () => 'goes on') };
  });
  const test = testWorkflows({ workflows: [flow, child] });
  const given = await test.run(flow, null);
  expect(given).toEqual({ name: 'MisuseError', message: expect.stringContaining(message), after: 'goes on' });
});
