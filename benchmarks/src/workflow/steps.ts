/**
 * Runs of steps that do nothing, so that what is measured is the engine: how many steps a second, what one step takes inside
 * a run, and what passes from start to result where the worker is another process.
 */
import type { Numbers } from '../harness/results.js';
import { quantile } from '../harness/statistics.js';
import type { Measured } from './loop.js';
import type { Request } from './peer-process.js';
import type { Stage, Workload } from './stage.js';

const STEPS = 5;

/** One process that starts runs, lets them go on, and awaits their results. */
export const steps: Workload = async (peer, stage) => {
  const { warm, time } = stage.plan;
  const process = await stage.start(peer, 'both');
  const numbers: Record<string, number> = {};
  for (const callers of [1, 10, 100]) {
    const measured = await process.ask<Measured>({ callers, steps: STEPS, warm, time } satisfies Request);
    const done = measured.runs * STEPS;
    const who = callers === 1 ? '1 caller' : `${callers} callers`;
    numbers[`steps/s, ${who}`] = (done / measured.time) * 1_000;
    numbers[`a run, p50 ms, ${who}`] = measured.p50;
    numbers[`a run, p99 ms, ${who}`] = measured.p99;
    numbers[`client CPU µs/step, ${who}`] = measured.client / done;
    numbers[`Redis CPU µs/step, ${who}`] = measured.redis / done;
  }
  return numbers;
};

/** What one step takes inside a run, with nothing beside it. */
export const step: Workload = async (peer, stage) => {
  const process = await stage.start(peer, 'both');
  const request = { laps: stage.plan.laps } satisfies Request;
  await process.ask(request); // warms up
  const laps = await process.ask<number[]>(request);
  if (laps.length === 0) return {};
  return { 'a step, p50 ms': quantile(laps, 0.5), 'a step, p99 ms': quantile(laps, 0.99) };
};

/** From the start in one process to the result there, while another process does the steps. */
export const latency: Workload = async (peer, stage) => {
  if (!peer.isSplit) return {};
  await stage.start(peer, 'worker');
  const client = await stage.start(peer, 'client');
  return {
    ...(await timed(client, stage, { steps: 1, callers: 1 })),
    ...(await timed(client, stage, { steps: 5, callers: 1 })),
    ...(await timed(client, stage, { steps: 5, callers: 10 })),
  };
};

async function timed(
  client: Awaited<ReturnType<Stage['start']>>,
  { plan: { warm, time } }: Stage,
  { steps, callers }: { steps: number; callers: number },
): Promise<Numbers> {
  const { p50, p99 } = await client.ask<Measured>({ callers, steps, warm, time } satisfies Request);
  const what = `${steps === 1 ? '1 step' : `${steps} steps`}, ${callers === 1 ? '1 caller' : `${callers} callers`}`;
  return { [`start to result, p50 ms, ${what}`]: p50, [`start to result, p99 ms, ${what}`]: p99 };
}
