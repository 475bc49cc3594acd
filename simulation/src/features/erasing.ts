/** The steps by which a program erases users and restores them. */
import { withFolder } from './exporting.js';
import type { Program } from './program.js';

interface Erasure {
  readonly user: string;
  readonly told: boolean;
}

export async function erase(program: Program, { user, told }: Erasure): Promise<void> {
  const { store, definitions, oracle } = program;
  const since = oracle.now;
  const holder = program.grant('erase', told);
  const { rows } = await withFolder(program, (folder) =>
    store.erase(definitions.user, user, { holder, ...folder }),
  );
  program.note(`has erased ${user}: ${rows} rows`);
  oracle.erasures.hasErased(user, since);
}

export async function restore(program: Program, { user, told }: Erasure): Promise<void> {
  const { store, definitions, oracle } = program;
  const since = oracle.now;
  const holder = program.grant('erase', told);
  await withFolder(program, (folder) => store.restore(definitions.user, user, { holder, ...folder }));
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
