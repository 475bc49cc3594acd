/**
 * Worker processes of a demonstration: starts them, hears what they report, stops, continues and kills them.
 *
 * Guarantees: what they say is heard in order and in full, also of one that was killed right after it had spoken. One that ends
 * without having been told to breaks the demonstration: `broken` aborts with its last words. After `close` none of them runs,
 * stopped or not.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type Changes, limit } from './changes.js';
import { Watchdog } from './watchdog.js';

/** One process. Whoever has started it adds what else is to be known of it. */
export interface Started {
  readonly name: string;
  readonly process: ChildProcess;
  state: string;
  lastWords: string;
}

/** What is started: a module, and its one argument, which is passed as JSON. */
export interface Program {
  readonly module: string;
  readonly argument: { readonly name: string } & Readonly<Record<string, unknown>>;
}

export class Processes<Message> {
  readonly #watchdog = new Watchdog();
  readonly #living = new Set<Started>();
  readonly #changes: Changes;
  readonly #broken = new AbortController();
  #closed = false;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** Aborts when a process has ended without having been told to; its reason is an Error that says why. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Starts a process; `hear` gets what it says, and whoever waits for a change is notified then. */
  launch<W extends Started>(
    { module, argument }: Program,
    about: Omit<W, 'name' | 'process' | 'lastWords'>,
    hear: (worker: W, message: Message) => void,
  ): W {
    // In a session of its own, so that Ctrl-C reaches the demonstration only, which then ends all in good order.
    const process = fork(module, [JSON.stringify(argument)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const worker = { ...about, name: argument.name, process, lastWords: '' } as unknown as W;
    this.#living.add(worker);
    process.stderr?.on('data', (chunk: Buffer) => {
      worker.lastWords = `${worker.lastWords}${chunk}`.slice(-2_000);
    });
    process.on('message', (message) => {
      hear(worker, message as Message);
      this.#changes.notify();
    });
    const exited = new Promise<void>((resolve) => {
      process.once('exit', () => resolve());
      process.once('error', (error) => {
        worker.lastWords += error.message;
        resolve();
      });
    });
    const heard = new Promise<void>((resolve) => process.once('disconnect', resolve));
    void Promise.all([exited, process.connected ? heard : undefined]).then(() => this.#ended(worker));
    return worker;
  }

  tell(worker: Started, message: object): void {
    if (worker.process.connected) worker.process.send(message, () => {}); // it may end meanwhile
  }

  stop(worker: Started): void {
    if (worker.process.pid === undefined) return;
    this.#watchdog.add(worker.process.pid);
    worker.process.kill('SIGSTOP');
    worker.state = 'stopped';
  }

  /** Lets a stopped process go on, in the state that it had then. */
  continue(worker: Started, state: string): void {
    if (worker.process.pid === undefined) return;
    worker.process.kill('SIGCONT');
    this.#watchdog.remove(worker.process.pid);
    if (worker.state === 'stopped') worker.state = state;
  }

  /** Kills a process; resolves when it is gone. */
  async kill(worker: Started, signal: AbortSignal): Promise<void> {
    worker.state = 'killed';
    worker.process.kill('SIGKILL');
    await this.#changes.until(() => !this.#living.has(worker), signal);
  }

  /** Resolves to whether all had ended when `signal` aborted. */
  ended(signal: AbortSignal): Promise<boolean> {
    return this.#changes.until(() => this.#living.size === 0, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#living) {
      worker.state = 'killed';
      worker.process.kill('SIGKILL'); // ends a stopped one too
    }
    await this.ended(limit(5_000));
    await this.#watchdog.close();
  }

  #ended(worker: Started): void {
    const { exitCode, signalCode } = worker.process;
    this.#living.delete(worker);
    if (worker.state !== 'killed' && exitCode !== 0) {
      const how = `worker ${worker.name} ended by itself (${signalCode ?? `exit code ${exitCode}`})`;
      this.#broken.abort(new Error(`${how}: ${worker.lastWords.trim() || 'it said nothing'}`));
    }
    if (worker.state !== 'killed') worker.state = 'finished';
    this.#changes.notify();
  }
}
