/**
 * Random programs, with a crash at every commit of each: whatever happens, a run goes the way that its journal says. A
 * failure names its seed; HOLDFAST_SEED repeats it.
 */
import { defineWorkflow, NonRetryableError, type Workflow, type WorkflowContext } from '@holdfast/workflow';
import { checkHistory, everyCrash } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';

const COUNT = process.env['HOLDFAST_TESTS'] === 'full' ? 300 : 6;
const FIRST = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 1e9));

/** mulberry32: a program is drawn, and drawn again, from its seed. */
function drawing(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Part = (ctx: WorkflowContext) => Promise<unknown>;

/** Turns of the event loop that a body takes. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Turns of microtasks that a function takes between two calls. */
async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await null;
}

/** The end of a program without races does not depend on what is first. */
function draw(below: (limit: number) => number, depth: number, races: boolean): Part {
  const part = (): Part => draw(below, depth - 1, races);
  const parts = (): Part[] => Array.from({ length: 1 + below(3) }, part);
  const number = below(100);
  const slow = below(4);
  const key = `k${below(1_000_000)}`;
  const leaves: (() => Part)[] = [
    () => (ctx) => ctx.step('value', async () => turns(slow).then(() => number)),
    () => (ctx) => ctx.step('at once', () => number),
    () => (ctx) => ctx.step('keyed', () => number, { key }),
    () => (ctx) =>
      ctx.step('flaky', ({ attempt }) => {
        if (attempt <= number % 3) throw new Error('again');
        return number;
      }),
    () => (ctx) =>
      ctx
        .step('broken', () => Promise.reject(new NonRetryableError(`${number}`)))
        .catch((error: Error) => error.name),
    () => (ctx) => ctx.sleep(number).then(() => 'slept'),
    () => (ctx) => ctx.step('undone', () => number, { undo: () => {} }),
    () => async (ctx) => ctx.random(),
    () => (ctx) => ctx.sleep(number * 60_000).then(() => 'slept long'),
    () => (ctx) => ctx.receive('none', { timeout: number * 1_000 }).then((got) => got ?? 'none'),
    ...(races
      ? [
          () => (ctx: WorkflowContext) => ctx.receive('some', { timeout: number }),
          () => async (ctx: WorkflowContext) => ctx.patch('new'), // whether something lay there already
        ]
      : []),
  ];
  if (depth === 0) return pick(below, leaves)();
  const branches: (() => Part)[] = [
    () => inTurn(parts()),
    () => inTurn(parts()),
    () => {
      const [a, b] = [part(), part()];
      return (ctx) => ctx.all({ a, b });
    },
    () => {
      const all = parts();
      return (ctx) => ctx.map(all, (c, each) => each(c), { concurrency: 2 });
    },
    () => {
      const all = parts();
      return (ctx) => Promise.all(all.map((each) => ctx.shield(each)));
    },
    () => {
      // The numbers of the second calls follow from the order in which the first have ended.
      const ways = [0, 1, 2, 3].map((n) => ({
        name: `${n}`,
        turns: below(3),
        ticks: below(12),
        receives: below(3) === 0,
      }));
      return (ctx) =>
        Promise.all(
          ways.map(async (way) => {
            if (way.receives) await ctx.receive('some', { timeout: 1_000 });
            else await ctx.step(`first ${way.name}`, () => turns(way.turns));
            await ticks(way.ticks);
            return ctx.step(`second ${way.name}`, () => way.name);
          }),
        );
    },
    () => (ctx) =>
      Promise.all([0, 1, 2].map((n) => ctx.step('plain', async () => turns(2 - n).then(() => n)))),
    () => {
      const body = part();
      return (ctx) =>
        ctx.loop<unknown[], unknown>([], async (c, done) => {
          const next = [...done, await body(c)];
          return next.length > number % 3 ? { done: next } : { next };
        });
    },
    () => {
      const body = part();
      return (ctx) => ctx.scope((c) => body(c), { timeout: 1_000_000_000_000 });
    },
    () => {
      const [body, failing] = [part(), number % 2 === 0];
      return async (ctx) => {
        try {
          const got = await ctx.shield(body);
          if (failing) throw new Error(`${number}`);
          return got;
        } catch (error) {
          return (error as Error).message;
        } finally {
          await ctx.step('finally', () => number);
        }
      };
    },
    ...(races
      ? [
          (): Part => {
            const all = parts();
            return (ctx) => ctx.race(all);
          },
          (): Part => {
            const body = part();
            return (ctx) =>
              ctx.scope((c) => body(c), { timeout: number }).catch((error: Error) => error.name);
          },
          (): Part => (ctx) =>
            ctx
              .once('once', () => turns(slow))
              .then(
                () => 'sent',
                () => 'unknown',
              ),
          (): Part => (ctx) =>
            Promise.race([
              ctx.step('one', () => turns(slow).then(() => 1)),
              ctx.step('two', () => 2),
              ctx.sleep(1),
            ]),
        ]
      : []),
  ];
  return pick(below, branches)();
}

const pick = <T>(below: (limit: number) => number, all: readonly T[]): T => all[below(all.length)] as T;

const inTurn =
  (parts: readonly Part[]): Part =>
  async (ctx) => {
    const results: unknown[] = [];
    for (const each of parts) results.push(await each(ctx));
    return results;
  };

function programOf(seed: number, races: boolean): Workflow<null, unknown> {
  const part = draw(drawing(seed), 3, races);
  return defineWorkflow({ name: 'program' }, async (ctx, _: null) => {
    const result = await part(ctx);
    await ctx.receive('last');
    return result;
  });
}

/** Every prefix of a journal is followed, and the whole leads to the end that it has. */
async function requireSound(workflow: Workflow<null, unknown>, history: Parameters<typeof checkHistory>[1]) {
  const { records, id } = history;
  for (let length = 1; length <= records.length; length += 1) {
    await checkHistory(workflow, { id, records: records.slice(0, length) });
  }
}

it.each([false, true])(
  `goes the way of the journal, first seed ${FIRST}, with races: %s`,
  async (races) => {
    for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
      const workflow = programOf(seed, races);
      const cases = await everyCrash({
        make: () => workflow,
        input: null,
        script: async (run) => {
          for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
            // Somewhere between the commits of the run.
            for (let asked = 0; asked < (seed + 3 * index) % 11; asked += 1) await run.status();
            await run.send(id === 'e' ? 'last' : 'some', id, { id });
          }
        },
        // Who is first in a race may be another one after a crash.
        ...(races ? { isSame: (one) => 'result' in one } : {}),
      }).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
      const journals = new Map(cases.map(({ history }) => [keyOf(history), history]));
      for (const records of journals.values()) {
        const told = await requireSound(workflow, { id: 'run', records }).catch((error: unknown) => error);
        expect(told, `seed ${seed}`).toBeUndefined();
      }
    }
  },
  600_000,
);

/** What a replay depends on. */
const keyOf = (history: readonly unknown[]): string =>
  JSON.stringify(history, (name, value) => (name === 'token' || name === 'at' ? undefined : value));
