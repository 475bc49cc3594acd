/** The steps by which a program has generations take each other's place. */
import type { Generation, Lane, LaneFate } from '@holdfast/features';
import { type Definitions, valuesOf } from './definitions.js';
import { USERS } from './names.js';
import type { FeaturesStep, ViewName } from './plan.js';
import type { AnyLane, Program } from './program.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

const VIEWS = ['profile', 'counts'] as const;

/** What becomes of the lanes of a view whose batch has finished, or is not wanted. */
const fatesOf = (view: ViewName, batch: 'finished' | 'ended' | 'copy'): Record<string, LaneFate> =>
  view === 'profile' ? { batch, stream: 'same' } : { stream: 'same' };

export async function rebuild(
  program: Program,
  step: Omit<Step<'rebuild'>, 'f' | 'after' | 'isWatched'>,
): Promise<void> {
  const { view, told, patience, fills, allowMissing, follows, copies, afterwards } = step;
  const holder = program.grant(`build:${view}`, told);
  const generation = await program.store.begin(program.definitions[view], { holder });
  program.note(`has begun ${view}.${generation.id}`);
  if (view === 'profile' && copies === undefined) await fill(program, generation, fills);
  const before = (await program.all(view)).find(({ state }) => state === 'live');
  const lanes = fatesOf(view, copies === undefined ? 'finished' : 'copy');
  await copying(program, { generation, copies }, async () => {
    if (allowMissing !== undefined) await compare(program, generation, { lanes, allowMissing });
    const cut = (): Promise<void> =>
      follows ? cutTo(program, generation, { lanes, patience }) : generation.cut({ lanes, patience });
    await again(program, step.tries ?? 1, cut);
  });
  if (afterwards.includes('roll back') && before !== undefined) {
    const back = await program.store.generation(program.definitions[view], before.id, { holder });
    const fates = fatesOf(view, copies === undefined ? 'ended' : 'copy');
    await copying(program, { generation: back, copies }, () =>
      cutTo(program, back, { lanes: fates, patience }),
    );
  }
  if (afterwards.includes('retire')) await tidy(program, view, holder);
}

export async function rebuildBoth(program: Program, { told, patience }: Step<'rebuild both'>): Promise<void> {
  const holder = program.grant('build:both', told);
  const generations: Generation[] = [];
  const lanes: AnyLane[] = [];
  try {
    for (const view of VIEWS) {
      const generation = await program.store.begin(program.definitions[view], { holder });
      generations.push(generation);
      if (view === 'profile') await fill(program, generation, USERS);
      lanes.push(await followInto(program, generation));
    }
    program.oracle.generations.areTogether(generations.map(({ view, id }) => `${view}.${id}`));
    const fates = { profile: fatesOf('profile', 'finished'), counts: fatesOf('counts', 'finished') };
    await program.store.cut(generations, { lanes: fates, patience });
    program.note(`has cut to ${generations.map(({ view, id }) => `${view}.${id}`).join(' and ')}`);
  } finally {
    for (const lane of lanes) await lane.close({ signal: AbortSignal.abort() });
  }
}

/** What was read before the last cut is read again. */
export async function rollBack(
  program: Program,
  { of, told, behind, patience }: Step<'roll back'>,
): Promise<void> {
  const { store, definitions, oracle } = program;
  const holder = program.grant(`build:${of}`, told);
  const lanes: AnyLane[] = [];
  try {
    for (const view of VIEWS.filter((each) => behind === 'refuse' && (of === 'both' || of === each))) {
      const previous = (await program.all(view)).findLast(({ state }) => state === 'previous');
      if (previous === undefined) continue;
      const generation = await store.generation(definitions[view], previous.id, { holder });
      lanes.push(await followInto(program, generation));
    }
    if (behind === 'accept') oracle.generations.accepts(holder.token);
    const fates = { profile: fatesOf('profile', 'ended'), counts: fatesOf('counts', 'ended') };
    const { generations, missing } = await store.rollback(definitions[of] as Definitions['both'], {
      ...{ holder, behind, patience },
      ...(behind === 'refuse' && { lanes: fates }),
    });
    program.note(`has gone back to ${JSON.stringify(generations)}, which lack ${missing.join('; ')}`);
    oracle.generations.isAccepted(holder.token, missing);
  } finally {
    for (const lane of lanes) await lane.close({ signal: AbortSignal.abort() });
  }
}

/** A generation takes the place of the one that is read, that one comes back, and all others end. */
export async function renew(program: Program): Promise<void> {
  for (const view of VIEWS) {
    await tidy(program, view);
    const afterwards = ['roll back', 'retire'] as const;
    const ways = { fills: USERS, allowMissing: undefined, follows: true, afterwards };
    await rebuild(program, { view, told: true, patience: 60_000, ...ways });
  }
}

/** Ends the generations that are filled and that were read before. */
export async function tidy(
  program: Program,
  view: ViewName,
  holder = program.grant(`build:${view}`, true),
): Promise<void> {
  for (const { id, state } of await program.all(view)) {
    if (state !== 'filling' && state !== 'previous') continue;
    const generation = await program.store.generation(program.definitions[view], id, { holder });
    await (state === 'filling' ? generation.abandon() : generation.retire({ patience: 200 }));
    program.note(`has retired ${view}.${id}`);
  }
}

async function compare(
  program: Program,
  generation: Generation,
  options: Parameters<Generation['ready']>[0],
): Promise<void> {
  const comparing = program.oracle.beginsToCompare(generation);
  const { missing } = await generation.ready(options);
  program.note(`is told that ${generation.view}.${generation.id} lacks ${missing} rows`);
  program.oracle.judgeReadiness(generation, comparing, missing);
}

/** Does something while the rows of batches are copied into a generation, if they are. */
async function copying(
  program: Program,
  { generation, copies }: { generation: Generation; copies: Step<'rebuild'>['copies'] | undefined },
  work: () => Promise<void>,
): Promise<void> {
  if (copies === undefined) return work();
  const { store, definitions, oracle, edition } = program;
  const copy = await store.copy(definitions.profile, {
    ...{ generation, lane: 'batch' },
    map: ({ id, time, values }) => {
      const n = oracle.writes({ user: id, time, edition }, Number(values['n']));
      return valuesOf(n, edition) as never;
    },
  });
  const name = `${generation.view}.${generation.id}`;
  oracle.generations.copies.add(name);
  try {
    if (copies === 'all') await copy.caughtUp();
    await work();
    program.note(`has copied ${JSON.stringify(copy.stats())} into ${name}`);
  } finally {
    oracle.generations.copies.delete(name);
    await copy.close();
  }
}

/** Tries as often as that, as who is told that something did not answer. */
async function again(program: Program, tries: number, what: () => Promise<void>): Promise<void> {
  for (let left = tries; ; left -= 1) {
    try {
      return await what();
    } catch (error) {
      if (left <= 1) throw error;
      program.note(`is told: ${String(error)}`);
      await program.sleep(40);
    }
  }
}

/** The generation follows the source until it has taken its place. */
async function cutTo(
  program: Program,
  generation: Generation,
  options: Parameters<Generation['cut']>[0],
): Promise<void> {
  const lane = await followInto(program, generation);
  try {
    await generation.cut(options);
    program.note(`has cut to ${generation.view}.${generation.id}`);
  } finally {
    await lane.close({ signal: AbortSignal.abort() });
  }
}

async function followInto(program: Program, generation: Generation): Promise<AnyLane> {
  const lane = await program.open(generation.view as ViewName, { lane: 'stream', told: true, generation });
  program
    .follow(lane)
    .done()
    .catch(() => {});
  return lane;
}

async function fill(program: Program, generation: Generation, users: readonly string[]): Promise<void> {
  const lane = (await program.open('profile', { lane: 'batch', told: true, generation })) as Lane<never>;
  try {
    const rows = users.map((user) => ({ user, instant: 3 }));
    await program.land(lane, { batches: [rows], gap: 0 });
    await lane.finish();
  } finally {
    await lane.close();
  }
}
