/** The steps by which a program erases users and restores them. */
import type { Program } from './program.js';

interface Erasure {
  readonly user: string;
  readonly told: boolean;
}

export async function erase(program: Program, { user, told }: Erasure): Promise<void> {
  const { store, definitions, oracle } = program;
  const since = oracle.now;
  const { rows } = await store.erase(definitions.user, user, { holder: program.grant('erase', told) });
  program.note(`has erased ${user}: ${rows} rows`);
  oracle.erasures.isErased(user, since);
}

export async function restore(program: Program, { user, told }: Erasure): Promise<void> {
  const { store, definitions, oracle } = program;
  const since = oracle.now;
  await store.restore(definitions.user, user, { holder: program.grant('erase', told) });
  program.note(`has restored ${user}`);
  oracle.erasures.isRestored(user, since);
}

/** Finishes what others have begun: every second one that the catalog knows is restored, the others stay erased. */
export async function settle(program: Program): Promise<void> {
  for (const [place, [user, isErased]] of program.oracle.erasures.noted().entries()) {
    if (isErased) await erase(program, { user, told: true });
    if (!isErased || place % 2 === 0) await restore(program, { user, told: true });
  }
}
