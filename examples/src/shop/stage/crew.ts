/**
 * The processes of the shop, and what they have reported: three workers, and the shop itself.
 *
 * Guarantees: what was charged and refused is taken from the workers' own words, in full, also from one that was killed right
 * after it had spoken.
 */
import { fileURLToPath } from 'node:url';
import type { Changes } from '../../ledger/changes.js';
import { Processes, type Program, type Started } from '../../ledger/processes.js';
import type { Booking } from '../accounts.js';
import type { FromShop, FromWorker, Moment, Switches, Systems, Task, ToShop, ToWorker } from '../messages.js';
import { WORKERS } from '../setting.js';

type WorkerState = 'starting' | 'working' | 'stopped' | 'killed' | 'finished';
/** What a worker holds, or held last: the lease on an account, to charge an order. */
type Holding = Pick<Booking, 'order' | 'account' | 'token'>;

export interface Worker extends Started {
  state: WorkerState;
  /** What it had sealed when it last began to linger. */
  caught: Holding | undefined;
  /** What became of its last write of each order. */
  readonly ends: Map<string, Extract<FromWorker, { kind: 'charged' | 'refused' }>>;
}

/** How many moments are kept at most. */
const MOMENTS = 4_000;

type FromProcess = FromWorker | FromShop;

export class Crew {
  readonly seats: Worker[] = [];
  readonly charged: Booking[] = [];
  /** What happened to accounts lately, the latest last. */
  readonly moments: Moment[] = [];
  chargedTwice = 0;
  refused = 0;
  readonly #orders = new Set<string>();
  /** The port of the page, once the shop is open, and what the shop has seen last. */
  port = 0;
  systems: Systems | undefined;
  /** Whether the guard was off at some time. */
  wasUnfenced: boolean;
  readonly #task: Omit<Task, 'name'>;
  readonly #processes: Processes<FromProcess>;
  readonly #changes: Changes;
  #shop: Started | undefined;
  #fenced: boolean;
  /** Told of what somebody at the page wants. */
  onSwitch: (switches: Switches) => void = () => {};

  constructor(task: Omit<Task, 'name'>, changes: Changes) {
    this.#task = task;
    this.#fenced = task.fenced;
    this.wasUnfenced = !task.fenced;
    this.#changes = changes;
    this.#processes = new Processes(changes);
  }

  /** Aborts when a process has ended without having been told to; its reason is an Error that says why. */
  get broken(): AbortSignal {
    return this.#processes.broken;
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  set fenced(fenced: boolean) {
    this.#fenced = fenced;
    this.wasUnfenced ||= !fenced;
    for (const worker of this.seats) this.tell(worker, { kind: 'fencing', fenced });
  }

  /** Resolves to whether all were ready before `signal` aborted. */
  async start(signal: AbortSignal): Promise<boolean> {
    for (let seat = 1; seat <= WORKERS; seat += 1) this.seats.push(this.#launch(`${seat}`));
    const shop = { module: moduleOf('shop'), argument: { ...this.#task, name: 'shop' } satisfies Task };
    this.#shop = this.#processes.launch<Started>(shop, { state: 'starting' }, (_, message) => {
      if (message.kind === 'open') this.port = message.port;
      else if (message.kind === 'systems') this.systems = message.systems;
      else if (message.kind === 'switch') this.onSwitch(message);
    });
    const ready = () => this.port > 0 && this.seats.every(({ state }) => state !== 'starting');
    return this.#changes.until(ready, signal);
  }

  readonly tell = (worker: Worker, message: ToWorker): void => this.#processes.tell(worker, message);

  tellShop(message: ToShop): void {
    if (this.#shop) this.#processes.tell(this.#shop, message);
  }

  stop(worker: Worker): void {
    this.#processes.stop(worker);
  }

  continue(worker: Worker): void {
    this.#processes.continue(worker, 'working');
  }

  /** Kills a worker, and starts another in its seat. */
  async replace(worker: Worker, signal: AbortSignal): Promise<void> {
    await this.#processes.kill(worker, signal);
    const [number = '', generation = '1'] = worker.name.split('.');
    const seat = this.seats.indexOf(worker);
    if (!this.#processes.closed) this.seats[seat] = this.#launch(`${number}.${Number(generation) + 1}`);
  }

  close(): Promise<void> {
    return this.#processes.close();
  }

  #launch(name: string): Worker {
    const program: Program = {
      module: moduleOf('worker'),
      argument: { ...this.#task, name, fenced: this.#fenced } satisfies Task,
    };
    const about = { state: 'starting' as const, caught: undefined, ends: new Map() };
    return this.#processes.launch<Worker>(program, about, (worker, message) => this.#hear(worker, message));
  }

  #hear(worker: Worker, message: FromProcess): void {
    if (message.kind === 'open' || message.kind === 'switch' || message.kind === 'systems') return;
    if (message.kind === 'ready') {
      if (worker.state === 'starting') worker.state = 'working';
      return;
    }
    if (message.kind === 'sealed' && message.lingering) worker.caught = message;
    if (message.kind === 'charged') {
      this.charged.push(message.booking);
      if (this.#orders.has(message.booking.order)) this.chargedTwice += 1;
      this.#orders.add(message.booking.order);
      worker.ends.set(message.booking.order, message);
    }
    if (message.kind === 'refused') {
      this.refused += 1;
      worker.ends.set(message.order, message);
    }
    const { order, account, token } = message.kind === 'charged' ? message.booking : message;
    this.moments.push({ kind: message.kind, order, account, token, worker: worker.name, at: Date.now() });
    if (this.moments.length > MOMENTS) this.moments.splice(0, MOMENTS / 2);
  }
}

/** A process's program stands beside this one: as TypeScript or compiled, whichever runs. */
function moduleOf(name: string): string {
  return fileURLToPath(
    new URL(`../${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
  );
}
