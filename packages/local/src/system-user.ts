/**
 * The user that runs a server which refuses to run as root: `nobody`, if this program itself runs as root.
 *
 * Guarantees: elsewhere nothing changes. Throws UnavailableError if there is no such user.
 */
import { execFileSync } from 'node:child_process';
import { UnavailableError } from '@holdfast/kernel';

/** Options of Node's `spawn`; if empty, the user that runs this program. */
export interface SystemUser {
  readonly uid?: number;
  readonly gid?: number;
}

export function unprivilegedUser(): SystemUser {
  if (process.getuid?.() !== 0) return {};
  try {
    const ask = (what: string): number => Number(execFileSync('id', [what, 'nobody'], { encoding: 'utf8' }));
    return { uid: ask('-u'), gid: ask('-g') };
  } catch (cause) {
    throw new UnavailableError(
      'PostgreSQL does not run as root, and there is no user "nobody"; run this as another user.',
      [],
      { cause },
    );
  }
}
