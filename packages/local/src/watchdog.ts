/**
 * Starts a server under a watchdog: a small shell that kills the server when the program that started it is gone.
 *
 * Guarantees: however the program ends, also by SIGKILL, and in whatever state the server is, also frozen, the server
 * is killed and its folder, if it is temporary, removed. The watchdog stands in a session of its own, so a terminal's
 * Ctrl-C does not reach the server before the program has decided. It needs `sh`: Linux or macOS.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

/**
 * Descriptor 3 is the lifeline, a socket whose other end only the program has. The shell says the server's process id
 * on it; a line from the program lets the guard go; end of file means that the program is gone.
 */
const SCRIPT = `
folder=$1; shift
"$@" 3<&- &
server=$!
echo "$server" >&3
(
  read -r word <&3 && exit
  kill -9 "$server" 2>/dev/null
  while kill -0 "$server" 2>/dev/null; do :; done
  if [ -n "$folder" ]; then rm -rf "$folder"; rmdir "$(dirname "$folder")" 2>/dev/null; fi
) >/dev/null 2>&1 &
exec 3<&-
wait "$server"
`;

export interface Watched {
  /** The server's own process id. */
  readonly pid: number;
  /** Resolves when the server has ended and all that it printed was read. */
  readonly ended: Promise<void>;
  /** Keeps the calling program alive while something is awaited from the server, or lets it end. */
  hold(held: boolean): void;
}

/** Starts `command` with `args`; `temporary` is a folder to remove at the end, or ''. `onOutput` gets what it prints. */
export async function startWatched(
  command: string,
  args: readonly string[],
  temporary: string,
  onOutput: (text: string) => void,
): Promise<Watched> {
  const shell = spawn('sh', ['-c', SCRIPT, 'holdfast-watchdog', temporary, command, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const lifeline = shell.stdio[3] as Duplex;
  lifeline.on('error', () => {}); // the guard may be gone first
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => lifeline.end('done\n'));
    shell.once('close', () => resolve());
  });
  for (const stream of [shell.stdout, shell.stderr]) stream?.on('data', (data) => onOutput(String(data)));
  const pid = await firstNumber(lifeline, shell);
  const held = [shell, ...(shell.stdio as unknown as Holdable[])];
  return {
    pid,
    ended,
    hold(hold) {
      for (const part of held) hold ? part?.ref?.() : part?.unref?.();
    },
  };
}

interface Holdable {
  ref?(): void;
  unref?(): void;
}

function firstNumber(stream: Duplex, shell: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    shell.once('error', reject);
    stream.once('data', (data) => resolve(Number(String(data))));
    stream.once('end', () => reject(new Error('the watchdog shell ended before it started the server')));
  });
}
