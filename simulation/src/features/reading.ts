/** The steps by which a program reads, and what windows must say in the end. */

import { seenOf } from './answers.js';
import type { Definitions } from './definitions.js';
import { USERS } from './names.js';
import type { FeaturesStep } from './plan.js';
import type { Program } from './program.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

export async function read(program: Program, { times, gap, ...step }: Step<'read'>): Promise<void> {
  for (let reads = 0; reads < times; reads += 1) {
    if (reads > 0) await program.sleep(gap);
    await readOnce(program, step);
  }
}

type Once = Pick<Step<'read'>, 'users' | 'how' | 'fresh'>;

async function readOnce(program: Program, { users, how, fresh }: Once): Promise<void> {
  const { oracle, store } = program;
  const { cached } = program.definitions;
  if (how === 'rows') return readRows(program, users);
  const ids = users.map((user) => ({ user }));
  if (how === 'warm') return store.warm(cached, ids);
  const reading = oracle.answers.begins(users, oldestOf(program, how, fresh));
  const answers = await answersTo(program, { users, how, fresh });
  oracle.answers.judgeRows(
    reading,
    users,
    answers.map(({ answer, views: { profile: of } }) => {
      const { 'profile.n': n, 'profile.twice': twice } = answer as Readonly<Record<string, unknown>>;
      return seenOf({ values: { n, ...(program.edition === 2 && { twice }) }, ...of });
    }),
    answers[0]?.views.profile.generation,
  );
  const metas = answers.map(({ views }, index) => ({ user: users[index] ?? '', views }));
  oracle.answers.judgeMeta(reading, metas);
  oracle.answers.judgeAges(reading, metas);
  if (how === 'replica') oracle.answers.judgeMissing(reading, metas);
}

/** Reads through the cache as long as something lasts, and once more. */
export async function watch(program: Program, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  work.then(end, end);
  do {
    await readOnce(program, { users: USERS, how: 'cached', fresh: undefined });
    await program.sleep(30);
  } while (!isOver);
}

/** Of a view, by two calls that are made at once. */
async function readRows({ oracle, store, definitions: { profile } }: Program, users: readonly string[]) {
  const reading = oracle.answers.begins(users, 0);
  const others = [...users].reverse();
  const [rows, more] = await Promise.all([store.rows(profile, users), store.rows(profile, others)]);
  oracle.answers.judgeRows(reading, users, rows.map(seenOf));
  oracle.answers.judgeRows(reading, others, more.map(seenOf));
}

function answersTo({ store, definitions: { both, cached } }: Program, { users, how, fresh }: Once) {
  const ids = users.map((user) => ({ user }));
  const options = { meta: true, place: how !== 'get' } as const;
  if (how === 'replica')
    return store.get(both, ids, undefined, {
      ...options,
      replica: true,
      ...(fresh !== undefined && { fresh }),
    });
  if (how !== 'cached') return store.get(both, ids, undefined, options);
  return store.get(cached, ids, undefined, { ...options, ...(fresh !== undefined && { fresh }) });
}

/** How old what the cache or a replica answers may be, in ms. */
function oldestOf(program: Program, how: Once['how'], fresh: number | undefined): number {
  const {
    definitions: { profile, cached },
    replica,
  } = program;
  if (how === 'replica' && replica !== undefined) return Math.min(fresh ?? replica.maxLag, replica.maxLag);
  if (how !== 'cached') return 0;
  const { maxAge = 0 } = cached.cache ?? {};
  return profile.strict ? 0 : Math.min(fresh ?? maxAge, maxAge);
}

/** Keeps generations, and reads them until they are kept no longer. */
export async function pin(program: Program, step: Step<'pin'>): Promise<void> {
  const { store, definitions, oracle } = program;
  const options = { by: step.by, for: step.for };
  const kept = await store.pin(definitions[step.of] as Definitions['both'], options);
  program.note(`keeps ${JSON.stringify([...kept.generations])} until ${kept.until.toISOString()}`);
  const ids = USERS.map((user) => ({ user }));
  for (let reads = 0; reads < step.reads; reads += 1) {
    await program.sleep((1.5 * step.for) / step.reads);
    const reading = oracle.answers.beginsPinned(USERS, kept);
    const answers = await store.get(definitions.both, ids, undefined, { meta: true, pin: kept });
    oracle.answers.judgePinned(
      reading,
      kept,
      answers.map(({ views }, index) => ({ user: USERS[index] ?? '', views })),
    );
    if (step.ends === 'extends') await kept.extend(step.for);
  }
  if (step.ends === 'releases') await kept.release();
}

/** All that there is, as it is served. */
export async function readAll(program: Program): Promise<void> {
  await readOnce(program, { users: USERS, how: 'rows', fresh: undefined });
  const ids = USERS.map((user) => ({ user }));
  const answers = await program.store.get(program.definitions.both, ids);
  for (const [index, answer] of answers.entries()) judgeWindows(program, USERS[index] ?? '', answer);
}

/** What windows say once all of the source was taken in. */
function judgeWindows(
  { oracle, source }: Program,
  user: string,
  answer: Readonly<Record<string, unknown>>,
): void {
  // It lacks what came while it was erased, which a generation that is begun later takes in.
  if (oracle.erasures.ever.has(user)) return;
  const events = source.partitions.flat().filter((each) => each.user === user && each.isReadable);
  const counted = events.filter(({ isOld }) => !isOld).sort((one, other) => other.at - one.at);
  const expected = {
    count: counted.length,
    amount: counted.reduce((sum, { amount }) => sum + amount, 0),
    last: counted[0]?.n ?? null,
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = answer[`counts.${name}`] ?? (name === 'last' ? null : 0);
    if (found !== value) oracle.violate('O4', `${name} of ${user} is ${String(found)}, not ${String(value)}`);
  }
  const latest = (answer['counts.latest'] ?? []) as readonly string[];
  const wanted = counted.slice(0, 3).map(({ n }) => String(n));
  if (counted.length >= 3 && latest.join() !== wanted.join())
    oracle.violate('O4', `the latest of ${user} are ${latest.join()}, not ${wanted.join()}`);
}
