/**
 * The last resort for stopped workers. A running worker notices by itself that the demonstration is gone; one that is
 * stopped (SIGSTOP) notices nothing, and would stay for ever if the demonstration were killed (SIGKILL) just then.
 *
 * Guarantees: a small shell, in a session of its own, hears over a pipe which workers are stopped now, and kills those
 * when the pipe ends, however it ends. Without a POSIX shell there is no watchdog, and no fault that would need one.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
trap '' HUP INT TERM
while read -r line; do stopped=$line; done
[ -z "$stopped" ] || kill -KILL $stopped 2>/dev/null
exit 0`;

export class Watchdog {
  readonly #shell: ChildProcess;
  readonly #stopped = new Set<number>();

  constructor() {
    this.#shell = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#shell.stdin?.on('error', () => {}); // it is gone: it has nothing to watch any more
  }

  /** To be called before the process is stopped. */
  add(pid: number): void {
    this.#stopped.add(pid);
    this.#tell();
  }

  /** To be called after the process was continued or killed. */
  remove(pid: number): void {
    if (this.#stopped.delete(pid)) this.#tell();
  }

  /** Resolves when the shell has ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return resolve();
      this.#shell.once('exit', () => resolve());
      this.#shell.stdin?.end();
    });
  }

  #tell(): void {
    this.#shell.stdin?.write(`${[...this.#stopped].join(' ')}\n`);
  }
}
