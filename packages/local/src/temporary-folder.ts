/**
 * A temporary folder that does not outlive this program.
 *
 * Guarantees: it is removed by `remove`, or by a small shell when the program is gone, even by SIGKILL.
 * A write into the folder while it is being removed only delays that: the shell tries again for ten seconds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { firstLine, hold } from './lifeline.js';
import type { SystemUser } from './system-user.js';

/** The shell creates the folder itself, so that there is no moment at which nobody would remove it. */
const SCRIPT = `
trap '' PIPE
folder=$(mktemp -d "$1/holdfast-XXXXXXXX") || exit
echo "$folder"
exec >/dev/null 2>&1
while read -r line; do :; done
for try in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$folder" && break
  sleep 1
done
`;

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** The folder belongs to `user`, by default to the user that runs this program. Rejects if it cannot be created. */
export async function makeTemporaryFolder(user: SystemUser = {}): Promise<TemporaryFolder> {
  const shell = spawn('sh', ['-c', SCRIPT, 'holdfast-janitor', tmpdir()], {
    ...user,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(shell, 'spawn');
  shell.stdin.on('error', () => {}); // the shell may be gone first
  const closed = once(shell, 'close');
  const path = await firstLine(shell.stdout);
  hold(shell, false);
  return {
    path,
    async remove() {
      hold(shell, true);
      shell.stdin.end();
      await closed;
      await rm(path, { recursive: true, force: true });
    },
  };
}
