/**
 * Starts a server under a watchdog: a small shell that kills the server when the program that started it is gone.
 *
 * Guarantees: however the program ends, even by SIGKILL, and whatever state the server is in, even frozen, the server
 * and the processes it forked are killed. The watchdog runs in a session of its own, so a terminal's Ctrl-C does not
 * reach the server before the program has decided. It needs `sh`: Linux or macOS.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { firstLine, hold } from './lifeline.js';
import type { SystemUser } from './system-user.js';

/**
 * Descriptor 3 is the lifeline: the program has its other end, and nobody else. The guard reads it until end of file,
 * which means that the program is gone, and kills the server. The guard is started before the process id is printed,
 * because writing to a program that is gone ends the shell. When the server has ended, the shell kills the rest of its
 * process group: the processes that the server forked. It reaps server and guard itself: in a container, perhaps nobody
 * else does.
 */
const SCRIPT = `
signal=$1
shift
"$@" 3<&- &
server=$!
( while read -r line; do :; done; kill -"$signal" "$server" ) <&3 >/dev/null 2>&1 &
guard=$!
echo "$server" >&3
exec 3<&- >/dev/null 2>&1
wait "$server"
kill -9 "$guard"
wait "$guard"
kill -9 0
`;

export interface Watched {
  /** The server's own process id. */
  readonly pid: number;
  /** Resolves when the server and the processes it forked have ended, and all their output was read. */
  readonly ended: Promise<void>;
  /** Keeps the calling program alive while something is awaited from the server, or lets it end. */
  hold(held: boolean): void;
}

export interface WatchOptions {
  /** The user that runs the server. Default: the one that runs this program. */
  readonly user?: SystemUser;
  /** The folder in which it runs. Default: that of this program. */
  readonly cwd?: string;
  /** The signal that ends the server when this program is gone; anything but KILL must work at once. Default "KILL". */
  readonly signal?: 'KILL' | 'QUIT';
}

/** Starts `command` with `args`; `onOutput` gets its output. Rejects if the shell cannot be started. */
export async function startWatched(
  command: string,
  args: readonly string[],
  onOutput: (text: string) => void,
  { user = {}, cwd, signal = 'KILL' }: WatchOptions = {},
): Promise<Watched> {
  const shell = spawn('sh', ['-c', SCRIPT, 'holdfast-watchdog', signal, command, ...args], {
    ...user,
    ...(cwd !== undefined && { cwd }),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  await once(shell, 'spawn');
  const lifeline = shell.stdio[3] as Duplex;
  lifeline.on('error', () => {}); // the guard may be gone first
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => lifeline.end()); // if the shell alone was killed, the guard kills the server
    shell.once('close', () => resolve());
  });
  for (const stream of [shell.stdout, shell.stderr]) stream?.setEncoding('utf8').on('data', onOutput);
  const pid = Number(await firstLine(lifeline));
  return { pid, ended, hold: (held) => hold(shell, held) };
}
