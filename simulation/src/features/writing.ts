/** The steps by which a program writes: a job that lands batches, and a lane that follows the source for a while. */
import type { Follower, Lane } from '@holdfast/features';
import { USERS } from './names.js';
import type { FeaturesStep } from './plan.js';
import type { Program } from './program.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

export async function runJob(
  program: Program,
  { told, batches, gap, finishes }: Omit<Step<'job'>, 'f' | 'after'>,
): Promise<void> {
  const lane = (await program.open('profile', { lane: 'batch', told })) as Lane<never>;
  try {
    await program.land(lane, { batches, gap });
    if (finishes) await lane.finish();
  } finally {
    await lane.close();
  }
}

export async function followFor(program: Program, step: Step<'follow'>): Promise<void> {
  const { view, told, shared, stops } = step;
  const lane = shared ? await program.openShared(view) : await program.open(view, { lane: 'stream', told });
  try {
    const resource = (name: string): string => `${view}:stream:part:${name}`;
    const follower = program.follow(lane, shared ? (name) => program.grant(resource(name), told) : undefined);
    const controller = new AbortController();
    const timer = program.machine.clock.after(step.for, () => controller.abort());
    await Promise.race([
      follower.done(),
      new Promise<void>((resolve) => {
        controller.signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    ]);
    timer.cancel();
    if (stops) await follower.stop();
  } finally {
    await lane.close({ signal: AbortSignal.abort() });
  }
}

/** Takes in all that the source has, and lands a row of each user. */
export async function catchUp(program: Program): Promise<void> {
  for (const view of ['profile', 'counts'] as const) {
    const lane = await program.open(view, { lane: 'stream', told: true });
    try {
      const follower = program.follow(lane);
      while (!isAtEnd(program, follower)) {
        lane.signal.throwIfAborted();
        await program.sleep(20);
      }
      await follower.stop();
    } finally {
      await lane.close();
    }
  }
  const rows = USERS.map((user) => ({ user, instant: 8 }));
  await runJob(program, { told: true, batches: [rows], gap: 0, finishes: true });
}

function isAtEnd({ source: { partitions } }: Program, follower: Follower): boolean {
  return follower.partitions.every(
    ({ partition, through }) => (through?.[0] ?? 0) >= (partitions[partition]?.length ?? 0),
  );
}
