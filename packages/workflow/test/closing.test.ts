/** How waits end before their time: by the caller's signal, also on a server that does not answer, or with their app. */
import {
  AbortedError,
  defineWorkflow,
  MisuseError,
  metricsText,
  type Step,
  type Workflows,
} from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { describe, expect, it } from 'vitest';
import { appOf, eventually, later, node, useRedis } from './setting.js';

useRedis();

const wait = defineWorkflow({ name: 'wait' }, async (ctx) => ctx.receive('go'));

/** The first of what an iterable gives, or what it rejects with. */
const first = async (items: AsyncIterable<unknown>): Promise<unknown> => {
  for await (const item of items) return item;
  return 'nothing';
};

it.each(['run', 'result', 'ask', 'stream', 'events'] as const)(
  'ends %s with its signal at once, though the server does not answer',
  async (what) => {
    const app = appOf([wait], { callTimeout: 600_000 }); // nothing else would end it
    const run = await app.start(wait, null);
    const { signal, abort } = aborting();
    await run.status();
    node().freeze();
    later(() => node().thaw());
    const calls = {
      run: () => app.run(wait, null, { signal }),
      result: () => run.result({ signal }),
      ask: () => run.ask('question', 1, { signal }),
      stream: () => first(run.stream('s', { signal })),
      events: () => first(app.events({ signal })),
    };
    const ended = expect(calls[what]()).rejects.toThrow(AbortedError);
    abort();
    await ended;
    node().thaw();
  },
);

it('ends a wait whose call is under way when its signal aborts', async () => {
  const app = appOf([wait], { callTimeout: 600_000 });
  const run = await app.start(wait, null);
  const { signal, abort } = aborting();
  const waits = run.result({ signal });
  const asks = run.ask('question', 1, { signal });
  const ended = Promise.all([
    expect(waits).rejects.toThrow(`Aborted while waiting for the run "${run.id}" of "wait".`),
    expect(asks).rejects.toThrow(`Aborted while waiting for an answer of the run "${run.id}" of "wait".`),
  ]);
  await eventually(async () => (await run.history()).length, 2); // the question was sent, both wait
  node().freeze();
  later(() => node().thaw());
  abort();
  await ended;
  node().thaw();
});

it('ends what runs a workflow with its signal, and the run goes on', async () => {
  const app = appOf([wait]);
  app.work();
  const { signal, abort } = aborting();
  const ran = app.run(wait, null, { id: 'one', signal });
  const run = app.get(wait, 'one');
  await eventually(async () => (await run.status().catch(() => ({ status: 'none' }))).status, 'sleeping');
  abort();
  await expect(ran).rejects.toThrow('Aborted while waiting for the run "one" of "wait".');
  await expect(app.run(wait, null, { signal })).rejects.toThrow('Aborted while starting a run of "wait".');
  await run.send('go', 'gone');
  expect(await app.run(wait, null, { id: 'one', signal: new AbortController().signal })).toBe('gone');
});

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) };
}

describe.each<[string, () => Workflows]>([
  ['on Redis', () => appOf([wait])],
  ['in memory', () => testWorkflows({ workflows: [wait] }).workflows],
])('an app %s', (_, make) => {
  it('says that it is closed, whatever it is asked', async () => {
    const app = make();
    const run = app.get(wait, 'r');
    await app.counts();
    await app.close();
    const calls: (() => unknown)[] = [
      () => app.start(wait, null),
      () => first(app.list()),
      () => run.result(),
      () => run.ask('question'),
      () => first(run.stream('s')),
      () => first(app.events()),
      () => first(app.events({ reader: 'r' })),
      () => app.on('event', wait),
      () => app.publish([]),
      () => app.work(),
      () => metricsText([app]),
      () => app.demand(),
      () => run.send('go'),
      () => app.replyToTask('wait/r/r.g/0', { status: 'done', value: 1 }),
    ];
    for (const call of calls) {
      const thrown = await (async () => call())().catch((error: unknown) => error);
      expect(thrown, String(call)).toBeInstanceOf(MisuseError);
      expect((thrown as Error).message, String(call)).toMatch(/is closed; create (or open )?another/);
    }
  });

  it('says that it was closed to whatever is under way', async () => {
    const app = make();
    const run = await app.start(wait, null, { id: 'r' });
    const outcomes = [
      run.result(),
      run.ask('question', 1, { id: 'q' }),
      first(run.stream('s')),
      first(app.events()),
    ].map((call) => call.catch((error: unknown) => error));
    await eventually(async () => (await run.history()).length, 2);
    await app.close();
    for (const thrown of await Promise.all(outcomes)) {
      expect(thrown).toBeInstanceOf(AbortedError);
      expect((thrown as Error).message).toContain('the app was closed');
    }
  });
});

it.each<[string, (step: Step, onLost: (error: Error) => void) => void]>([
  [
    'is told by its signal',
    (step, onLost) => step.signal.addEventListener('abort', () => onLost(step.signal.reason)),
  ],
  [
    'looks at what is left',
    (step, onLost) => {
      const timer = setInterval(() => {
        if (step.lease.remaining() > 0) return;
        clearInterval(timer);
        onLost(new Error('nothing is left of the lease'));
      }, 5);
    },
  ],
])(
  'a body that ends because its lease was not renewed in time has used up no attempt: it %s',
  async (_, whenLost) => {
    const attempts: number[] = [];
    const flow = defineWorkflow({ name: 'lost' }, (ctx) =>
      ctx.step(
        'work',
        (step) => {
          attempts.push(step.attempt);
          if (attempts.length > 1) return 'done';
          return new Promise((_, reject) => {
            whenLost(step, (error) => {
              reject(error);
              node().thaw(); // before anybody could take the run
            });
          });
        },
        { attempts: 1 },
      ),
    );
    const app = appOf([flow]);
    app.work({ lease: 400, onError: () => {} });
    const run = await app.start(flow, null);
    await eventually(() => attempts.length, 1);
    node().freeze();
    later(() => node().thaw());
    expect(await run.result()).toBe('done');
    expect(attempts).toEqual([1, 1]);
  },
);
