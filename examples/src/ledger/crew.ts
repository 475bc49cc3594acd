/**
 * The worker processes: starts them, hears what they report, stops, continues, kills and replaces them.
 *
 * Guarantees: what was acknowledged, granted and refused is taken from the workers' own words, in full, also from one
 * that was killed right after it had spoken. A worker that ends without having been told to breaks the crew:
 * `broken` aborts with its last words. After `close` no worker runs, stopped or not.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Changes, limit } from './changes.js';
import type { Entry } from './ledger.js';
import type { FromWorker, ToWorker, WorkerTask } from './messages.js';
import { Watchdog } from './watchdog.js';

/** The worker's program stands beside this one: as TypeScript or compiled, whichever runs. */
const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url),
);

type WorkerState = 'starting' | 'waiting' | 'holding' | 'lingering' | 'stopped' | 'killed' | 'finished';

/** One worker process and what it has reported. */
export interface Worker {
  readonly name: string;
  readonly process: ChildProcess;
  state: WorkerState;
  /** The token of its present or last lease. */
  token: number;
  /** The token with which it last ended an increment, and how. */
  ended: { readonly token: number; readonly as: 'acknowledged' | 'refused' } | undefined;
  acknowledged: number;
  refused: number;
  lastWords: string;
}

export class Crew {
  /** One worker a seat; a worker that was killed is replaced in its seat. */
  readonly seats: Worker[] = [];
  readonly granted: number[] = [];
  readonly acknowledged: Entry[] = [];
  /** The tokens of the writes that the guard refused. */
  readonly refused: number[] = [];
  readonly #task: Omit<WorkerTask, 'name'>;
  readonly #watchdog = new Watchdog();
  readonly #living = new Set<ChildProcess>();
  readonly #changes: Changes;
  readonly #broken = new AbortController();
  #closed = false;
  readonly #say: (text: string) => void;

  constructor(task: Omit<WorkerTask, 'name'>, changes: Changes, say: (text: string) => void) {
    this.#task = task;
    this.#changes = changes;
    this.#say = say;
  }

  /** Aborts when a worker has ended without having been told to; its reason is an Error that says why. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Starts `count` workers; resolves to whether all of them were ready before `signal` aborted. */
  async start(count: number, signal: AbortSignal): Promise<boolean> {
    for (let seat = 0; seat < count; seat += 1) this.seats.push(this.#launch(`${seat + 1}`));
    return this.#changes.until(() => this.seats.every(({ state }) => state !== 'starting'), signal);
  }

  tell(worker: Worker, message: ToWorker): void {
    if (worker.process.connected) worker.process.send(message, () => {}); // it may end meanwhile
  }

  stop(worker: Worker): void {
    if (worker.process.pid === undefined) return;
    this.#watchdog.add(worker.process.pid);
    worker.process.kill('SIGSTOP');
    worker.state = 'stopped';
  }

  continue(worker: Worker): void {
    if (worker.process.pid === undefined) return;
    worker.process.kill('SIGCONT');
    this.#watchdog.remove(worker.process.pid);
    if (worker.state === 'stopped') worker.state = 'holding';
  }

  /** Kills a worker; resolves when it is gone. */
  async kill(worker: Worker, signal: AbortSignal): Promise<void> {
    worker.state = 'killed';
    worker.process.kill('SIGKILL');
    await this.#changes.until(() => !this.#living.has(worker.process), signal);
  }

  /** Starts a worker in the seat of one that was killed. */
  replace(worker: Worker): void {
    const seat = this.seats.indexOf(worker);
    const [number = '', generation = '1'] = worker.name.split('.');
    if (seat >= 0 && !this.#closed) this.seats[seat] = this.#launch(`${number}.${Number(generation) + 1}`);
  }

  /** Lets every worker finish what it has in hand; resolves to whether all had ended when `signal` aborted. */
  finish(signal: AbortSignal): Promise<boolean> {
    for (const worker of this.seats) this.tell(worker, { kind: 'finish' });
    return this.#changes.until(() => this.#living.size === 0, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.seats) worker.state = 'killed';
    for (const process of this.#living) process.kill('SIGKILL'); // ends a stopped one too
    await this.#changes.until(() => this.#living.size === 0, limit(5_000));
    await this.#watchdog.close();
  }

  #launch(name: string): Worker {
    // In a session of its own, so that Ctrl-C reaches the demonstration only, which then ends all in good order.
    const process = fork(PROGRAM, [JSON.stringify({ ...this.#task, name } satisfies WorkerTask)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const state: WorkerState = 'starting';
    const counts = { token: 0, ended: undefined, acknowledged: 0, refused: 0, lastWords: '' };
    const worker: Worker = { name, process, state, ...counts };
    this.#living.add(process);
    process.stderr?.on('data', (chunk: Buffer) => {
      worker.lastWords = `${worker.lastWords}${chunk}`.slice(-2_000);
    });
    process.on('message', (message: FromWorker) => {
      this.#hear(worker, message);
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

  #ended(worker: Worker): void {
    const { exitCode, signalCode } = worker.process;
    this.#living.delete(worker.process);
    if (worker.state !== 'killed' && exitCode !== 0) {
      const how = `worker ${worker.name} ended by itself (${signalCode ?? `exit code ${exitCode}`})`;
      this.#broken.abort(new Error(`${how}: ${worker.lastWords.trim() || 'it said nothing'}`));
    }
    if (worker.state !== 'killed') worker.state = 'finished';
    this.#changes.notify();
  }

  #hear(worker: Worker, message: FromWorker): void {
    const free = worker.state !== 'stopped' && worker.state !== 'killed';
    switch (message.kind) {
      case 'ready':
      case 'waiting':
        if (free) worker.state = 'waiting';
        break;
      case 'granted':
        this.granted.push(message.token);
        worker.token = message.token;
        if (free) worker.state = 'holding';
        break;
      case 'read':
        if (free && message.lingering) worker.state = 'lingering';
        break;
      case 'acknowledged':
        worker.acknowledged += 1;
        worker.ended = { token: message.token, as: 'acknowledged' };
        this.acknowledged.push({ id: message.id, token: message.token });
        break;
      case 'refused':
        worker.ended = { token: message.token, as: 'refused' };
        if (message.at === 'seal') this.#say(`worker ${worker.name} came too late to read: refused`);
        else this.#countRefusal(worker, message.token);
        break;
      case 'trouble':
        this.#say(`worker ${worker.name}: ${message.reason}`);
    }
  }

  #countRefusal(worker: Worker, token: number): void {
    worker.refused += 1;
    this.refused.push(token);
  }
}
