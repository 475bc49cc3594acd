/**
 * The worker processes of the ledger, and what they have reported.
 *
 * Guarantees: what was acknowledged, granted and refused is taken from the workers' own words, in full, also from one
 * that was killed right after it had spoken.
 */
import { fileURLToPath } from 'node:url';
import type { Changes } from './changes.js';
import type { Entry } from './ledger.js';
import type { FromWorker, ToWorker, WorkerTask } from './messages.js';
import { Processes, type Started } from './processes.js';

/** The worker's program stands beside this one: as TypeScript or compiled, whichever runs. */
const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url),
);

type WorkerState = 'starting' | 'waiting' | 'holding' | 'lingering' | 'stopped' | 'killed' | 'finished';

/** One worker process and what it has reported. */
export interface Worker extends Started {
  state: WorkerState;
  /** The token of its present or last lease. */
  token: number;
  /** The token with which it last ended an increment, and how. */
  ended: { readonly token: number; readonly as: 'acknowledged' | 'refused' } | undefined;
  acknowledged: number;
  refused: number;
}

export class Crew {
  /** One worker a seat; a worker that was killed is replaced in its seat. */
  readonly seats: Worker[] = [];
  readonly granted: number[] = [];
  readonly acknowledged: Entry[] = [];
  /** The tokens of the writes that the guard refused. */
  readonly refused: number[] = [];
  readonly #task: Omit<WorkerTask, 'name'>;
  readonly #processes: Processes<FromWorker>;
  readonly #changes: Changes;
  readonly #say: (text: string) => void;

  constructor(task: Omit<WorkerTask, 'name'>, changes: Changes, say: (text: string) => void) {
    this.#task = task;
    this.#changes = changes;
    this.#processes = new Processes(changes);
    this.#say = say;
  }

  /** Aborts when a worker has ended without having been told to; its reason is an Error that says why. */
  get broken(): AbortSignal {
    return this.#processes.broken;
  }

  /** Starts `count` workers; resolves to whether all of them were ready before `signal` aborted. */
  async start(count: number, signal: AbortSignal): Promise<boolean> {
    for (let seat = 0; seat < count; seat += 1) this.seats.push(this.#launch(`${seat + 1}`));
    return this.#changes.until(() => this.seats.every(({ state }) => state !== 'starting'), signal);
  }

  tell(worker: Worker, message: ToWorker): void {
    this.#processes.tell(worker, message);
  }

  stop(worker: Worker): void {
    this.#processes.stop(worker);
  }

  continue(worker: Worker): void {
    this.#processes.continue(worker, 'holding');
  }

  /** Kills a worker; resolves when it is gone. */
  kill(worker: Worker, signal: AbortSignal): Promise<void> {
    return this.#processes.kill(worker, signal);
  }

  /** Starts a worker in the seat of one that was killed. */
  replace(worker: Worker): void {
    const seat = this.seats.indexOf(worker);
    const [number = '', generation = '1'] = worker.name.split('.');
    if (seat >= 0 && !this.#processes.closed)
      this.seats[seat] = this.#launch(`${number}.${Number(generation) + 1}`);
  }

  /** Lets every worker finish what it has in hand; resolves to whether all had ended when `signal` aborted. */
  finish(signal: AbortSignal): Promise<boolean> {
    for (const worker of this.seats) this.tell(worker, { kind: 'finish' });
    return this.#processes.ended(signal);
  }

  close(): Promise<void> {
    return this.#processes.close();
  }

  #launch(name: string): Worker {
    const counts = { token: 0, ended: undefined, acknowledged: 0, refused: 0 };
    return this.#processes.launch<Worker>(
      { module: PROGRAM, argument: { ...this.#task, name } satisfies WorkerTask },
      { state: 'starting', ...counts },
      (worker, message) => this.#hear(worker, message),
    );
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
