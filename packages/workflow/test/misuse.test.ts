/** Nonsense that callers give is a MisuseError that names it, before anything connects. No server is needed. */
import {
  createWorkflows,
  defineWorkflow,
  MisuseError,
  metricsText,
  observeWorkflows,
  replyTo,
} from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { afterAll, expect, it } from 'vitest';

const flow = defineWorkflow({ name: 'flow' }, async () => null);
const app = createWorkflows({ redis: 'redis://127.0.0.1:1', workflows: [flow] });
const run = app.get(flow, 'r');
app.on('made', flow);
app.on('sent', flow, { send: 'note', key: () => 'k' });
app.on('turned', flow, { input: () => 'x'.repeat(300_000) });
afterAll(() => app.close());

/** As a program without types may call it. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point.
const any = (value: unknown): any => value;
const bare: unknown = Object.create(null);
const large = 'x'.repeat(300_000);

it.each<[string, () => unknown, string]>([
  ...[5, null, undefined, {}].map((id): [string, () => unknown, string] => [
    `replyToTask(${String(id)})`,
    () => app.replyToTask(any(id), { status: 'done', value: 1 }),
    `${String(id)} is no id of a task`,
  ]),
  [
    'replyToTask(unencoded)',
    () => app.replyToTask('flow/%zz/%zz.g/0', { status: 'done', value: 1 }),
    '"flow/%zz/%zz.g/0" is no id of a task',
  ],
  ['replyToTask(…, null)', () => app.replyToTask('flow/a/a.g/0', any(null)), 'got null'],
  [
    'replyToTask(…, done?)',
    () => app.replyToTask('flow/a/a.g/0', any({ status: 'ok' })),
    'A reply to a task is { status: "done", value } or { status: "failed", error, attempt }; got "ok"',
  ],
  ['metricsText(null)', () => metricsText(any(null)), 'metricsText takes an array of apps'],
  ['metricsText(5)', () => metricsText(any(5)), 'got 5'],
  [
    'metricsText([null])',
    () => metricsText(any([null])),
    'An app of metricsText is an object with demand; got null',
  ],
  ['observeWorkflows(5)', () => observeWorkflows(any(5)), 'observeWorkflows takes an array of apps'],
  [
    'observeWorkflows([5])',
    () => observeWorkflows(any([5])),
    'An app of observeWorkflows is an object with demand; got 5',
  ],
  [
    'events({ holder: null })',
    () => app.events(any({ reader: 'r', holder: null })),
    'holder is an object; got null',
  ],
  ['events({ holder: 5 })', () => app.events(any({ reader: 'r', holder: 5 })), 'holder is an object; got 5'],
  ...['3:1-0', '0:1-0,1:1-0', '1:1-0', '0:1', ''].map((after): [string, () => unknown, string] => [
    `events({ after: '${after}' })`,
    () => app.events({ after }),
    `the cursor of an event of this app, which has 1 partition; got "${after}"`,
  ]),
  [
    'defineWorkflow({ messages: null })',
    () => defineWorkflow(any({ name: 'n', messages: null }), async () => null),
    'messages is an object; got null',
  ],
  ['approve(bare)', () => run.approve(any(bare), 1), 'got [object Object]'],
  ['approve(symbol)', () => run.approve(any(Symbol('s')), 1), 'got Symbol(s)'],
  ['send(bare)', () => run.send(any(bare)), 'got [object Object]'],
  ['stream({ from: bare })', () => run.stream('n', { from: any(bare) }), 'got [object Object]'],
  [
    'replyTo(null)',
    () => replyTo(any(null), any(null)),
    'The app of replyTo is an object with replyToTask; got null',
  ],
  [
    'replyTo(…, null)',
    () => replyTo(app, any(null)),
    'The handler of replyTo is a function of a task; got null',
  ],
  ['replyTo(…, { attempts: 0 })', () => replyTo(app, () => 1, { attempts: 0 }), 'got 0'],
  ['counts(0)', () => app.counts(any(0)), 'no workflow 0'],
  ['counts(NaN)', () => app.counts(any(Number.NaN)), 'no workflow NaN'],
  ["counts('')", () => app.counts(any('')), 'no workflow ""'],
  [
    'start({ expires })',
    () => app.start(flow, null, { expires: new Date(Number.NaN) }),
    'got an invalid Date',
  ],
  ['publish([null])', () => app.publish(any([null])), 'An event is an object; got null'],
  ['publish([5])', () => app.publish(any([5])), 'An event is an object; got 5'],
  [
    'publish(large)',
    () => app.publish([{ name: 'made', id: 'e', data: large }]),
    'The data of the event "made" "e" has',
  ],
  [
    'publish(large message)',
    () => app.publish([{ name: 'sent', id: 'e', data: large }]),
    'The data of the event "sent" "e" has',
  ],
  [
    'publish(large input)',
    () => app.publish([{ name: 'turned', id: 'e', data: 1 }]),
    'The input of "flow" that is made of the event "turned" "e" has',
  ],
])('refuses %s', async (_, call, message) => {
  const thrown = await (async () => call())().catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(MisuseError);
  expect((thrown as Error).message).toContain(message);
});

it('says that a race was given no branches', async () => {
  const race = defineWorkflow({ name: 'race' }, (ctx) => ctx.race([]));
  const test = testWorkflows({ workflows: [race] });
  await expect(test.run(race, null)).rejects.toThrow('at least one branch, in an array; got [].');
});
