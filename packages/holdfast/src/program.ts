/**
 * The program that `holdfast run` starts, signals, stops, and waits for.
 *
 * Guarantees: a signal reaches the program once, whoever sent it.
 *  - Without a controlling terminal (cron, a service, CI, a container) the program leads a process group of its own.
 *    Only `holdfast` receives a signal, and passes it on: signals that end a program (SIGINT, SIGQUIT, SIGTERM, SIGHUP) to
 *    the whole group, SIGUSR1 and SIGUSR2 to the program alone. Stopping it stops the group, with everything it started.
 *  - With one, the program shares the process group of `holdfast`, as job control needs: Ctrl-Z stops both, and the
 *    program may read from the terminal. The terminal sends Ctrl-C (SIGINT) and Ctrl-\ (SIGQUIT) to both, so
 *    these two are not passed on; the others are. Stopping it stops the program, which has to end whatever it started.
 * A process that leaves the process group, as a daemon does, is out of reach either way.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type Clock, pause } from '@holdfast/kernel';
import { EXIT, ExitError, exitCodeOfSignal } from './exit-codes.js';

/** How often a group that is to end is checked, in ms. */
const LOOK = 20;

const FOR_THE_GROUP: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'];
const BY_THE_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

export class Program {
  /** Resolves to the exit code, as a shell would give it. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #ownGroup: boolean;
  readonly #clock: Clock;
  #running = true;

  /** Starts `words` with the environment `env`. Rejects with an ExitError if that is not possible. */
  static async start(
    words: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    clock: Clock,
  ): Promise<Program> {
    const [command = '', ...args] = words;
    const ownGroup = !hasTerminal();
    const child = spawn(command, args, { stdio: 'inherit', env: { ...env }, detached: ownGroup });
    const program = new Program(child, ownGroup, clock);
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw startError(command, error as NodeJS.ErrnoException);
    }
    return program;
  }

  private constructor(child: ChildProcess, ownGroup: boolean, clock: Clock) {
    this.#child = child;
    this.#ownGroup = ownGroup;
    this.#clock = clock;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#running = false;
        resolve(signal === null ? (code ?? EXIT.internal) : exitCodeOfSignal(signal));
      });
    });
  }

  /** Passes on a signal that `holdfast` has received, unless the program has got it already. */
  passOn(signal: NodeJS.Signals): void {
    if (!this.#running) return;
    if (!this.#ownGroup && BY_THE_TERMINAL.includes(signal)) return;
    if (FOR_THE_GROUP.includes(signal)) this.#signalAll(signal);
    else this.#child.kill(signal);
  }

  /** Ends the program: SIGTERM now, SIGKILL after `grace` ms. Resolves when it has ended, and its own group with it. */
  async stop(grace: number): Promise<void> {
    const deadline = this.#clock.now() + grace;
    this.#signalAll('SIGTERM');
    this.#signalAll('SIGCONT'); // a stopped process could not heed it
    const kill = this.#clock.after(grace, () => this.#signalAll('SIGKILL'));
    await this.ended;
    while (this.#groupLives() && this.#clock.now() < deadline) await pause(this.#clock, LOOK);
    kill.cancel();
    if (this.#groupLives()) this.#signalAll('SIGKILL');
  }

  #signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (!this.#ownGroup || pid === undefined) this.#child.kill(signal);
    else tryKill(-pid, signal);
  }

  #groupLives(): boolean {
    const { pid } = this.#child;
    return this.#ownGroup && pid !== undefined && tryKill(-pid, 0);
  }
}

/** Whether there was anybody to signal. */
function tryKill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // EPERM: somebody is there, but under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether this process has a controlling terminal, wherever its streams lead. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

function startError(command: string, error: NodeJS.ErrnoException): ExitError {
  if (error.code === 'ENOENT') {
    return new ExitError(`${command}: command not found.`, {
      exitCode: EXIT.notFound,
      code: 'HOLDFAST_COMMAND_NOT_FOUND',
    });
  }
  return new ExitError(`${command}: cannot be executed (${error.code ?? error.message}).`, {
    exitCode: EXIT.notExecutable,
    code: 'HOLDFAST_COMMAND_NOT_EXECUTABLE',
  });
}
