/** The steps by which a program reads, and what windows must say in the end. */
import type { Definitions } from './definitions.js';
import { USERS } from './names.js';
import { seenOf } from './oracle.js';
import type { FeaturesStep } from './plan.js';
import type { Program } from './program.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

export async function read(program: Program, { users, how }: Omit<Step<'read'>, 'f' | 'after'>): Promise<void> {
  const { oracle, store } = program;
  const { profile, both } = program.definitions;
  const reading = oracle.beginsToRead(users);
  if (how === 'rows') {
    const rows = await store.rows(profile, users);
    oracle.judgeRows(reading, users, rows.map(seenOf));
    return;
  }
  const ids = users.map((user) => ({ user }));
  const answers = await store.get(both, ids, undefined, { meta: true, place: how === 'place' });
  oracle.judgeRows(
    reading,
    users,
    answers.map(({ answer, views: { profile: of } }) => {
      const { 'profile.n': n, 'profile.twice': twice } = answer as Readonly<Record<string, unknown>>;
      return seenOf({ values: { n, ...(program.edition === 2 && { twice }) }, ...of });
    }),
  );
  oracle.judgeMeta(
    reading,
    answers.map(({ views }, index) => ({ user: users[index] ?? '', views })),
  );
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
    const reading = oracle.beginsToReadPinned(USERS, kept);
    const answers = await store.get(definitions.both, ids, undefined, { meta: true, pin: kept });
    oracle.judgePinned(reading, kept, answers.map(({ views }, index) => ({ user: USERS[index] ?? '', views })));
    if (step.ends === 'extends') await kept.extend(step.for);
  }
  if (step.ends === 'releases') await kept.release();
}

/** All that there is, as it is served. */
export async function readAll(program: Program): Promise<void> {
  await read(program, { users: USERS, how: 'rows' });
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
    if (found !== value)
      oracle.violate('O4', `${name} of ${user} is ${String(found)}, not ${String(value)}`);
  }
  const latest = (answer['counts.latest'] ?? []) as readonly string[];
  const wanted = counted.slice(0, 3).map(({ n }) => String(n));
  if (counted.length >= 3 && latest.join() !== wanted.join())
    oracle.violate('O4', `the latest of ${user} are ${latest.join()}, not ${wanted.join()}`);
}
