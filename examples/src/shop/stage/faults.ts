/**
 * The faults: a worker freezes after it has sealed an account, and goes on when another has charged the order; a worker is
 * killed at the same place; a lock node comes back empty.
 *
 * Guarantees: kinds and pauses come from the seed; the victim is whoever seals an account next. One fault at a time, so that four of five nodes always vote; each is
 * announced, and comes to its end within `cutoff`. A frozen worker is always continued.
 */
import { type Changes, onAbort, rest } from '../../ledger/changes.js';
import type { Health } from '../../ledger/health.js';
import type { Dice } from '../../ledger/random.js';
import type { Crew, Worker } from './crew.js';

export interface Scene {
  readonly crew: Crew;
  readonly health: Health;
  readonly changes: Changes;
  readonly tally: Tally;
  readonly say: (text: string) => void;
}

/** How many faults have struck, each from its beginning to its end. */
interface Tally {
  frozen: number;
  killed: number;
  emptied: number;
  /** The account that the worker had sealed which froze last. */
  account?: string;
}

export interface Bounds {
  readonly dice: Dice;
  /** Aborts when no new faults are to begin. */
  readonly over: AbortSignal;
  /** Aborts when nothing may go on. */
  readonly cutoff: AbortSignal;
}

const FAULTS = [freeze, kill, empty] as const;

/** The switch of the faults. */
export class Faults {
  readonly #scene: Scene;
  readonly #bounds: Bounds;
  #stop: AbortController | undefined;
  #striking = Promise.resolve();

  constructor(scene: Scene, bounds: Bounds) {
    this.#scene = scene;
    this.#bounds = bounds;
    onAbort(bounds.over, () => this.#stop?.abort());
  }

  get on(): boolean {
    return this.#stop !== undefined;
  }

  set on(on: boolean) {
    if (on === this.on || this.#bounds.over.aborted) return;
    this.#scene.say(on ? 'faults begin' : 'faults are off');
    this.#stop?.abort();
    this.#stop = on ? new AbortController() : undefined;
    const stop = this.#stop?.signal;
    if (stop) this.#striking = this.#striking.then(() => this.#strike(stop));
  }

  /** Resolves when no fault is under way. */
  settled(): Promise<void> {
    return this.#striking;
  }

  /** The first fault freezes a worker. */
  async #strike(stop: AbortSignal): Promise<void> {
    const { dice } = this.#bounds;
    for (let fault: (typeof FAULTS)[number] = freeze; !stop.aborted; fault = dice.pick(FAULTS)) {
      await fault(this.#scene, this.#bounds);
      await rest(dice.between(1_000, 3_000), stop);
    }
  }
}

async function freeze({ crew, changes, tally, say }: Scene, { cutoff }: Bounds): Promise<void> {
  const caught = await catchOne(crew, changes, cutoff);
  if (caught === undefined) return;
  const { worker, order, account, token } = caught;
  crew.stop(worker);
  tally.account = account;
  say(`worker-${worker.name} froze after it sealed account:${account}, token ${token}`);
  const charge = () => crew.charged.find((booking) => booking.order === order);
  await changes.until(() => charge() !== undefined, cutoff, 12_000);
  const isOvertaken = (charge()?.token ?? 0) > token;
  crew.continue(worker);
  if (!isOvertaken) return say(`worker-${worker.name} goes on: nobody had overtaken it`);
  await changes.until(() => worker.ends.has(order), cutoff, 5_000);
  const end = worker.ends.get(order);
  if (end === undefined) return say(`worker-${worker.name} goes on, and says nothing`);
  tally.frozen += 1;
  say(
    end.kind === 'refused'
      ? `worker-${worker.name} wrote under ${tail(token)}: REFUSED, account:${account} has seen ${tail(end.seen)}`
      : `worker-${worker.name} wrote under ${tail(token)}: CHARGED TWICE, nobody checked`,
  );
}

async function kill({ crew, changes, tally, say }: Scene, { cutoff }: Bounds): Promise<void> {
  const caught = await catchOne(crew, changes, cutoff);
  if (caught === undefined) return;
  const { worker, account } = caught;
  await crew.replace(worker, cutoff);
  tally.killed += 1;
  say(`worker-${worker.name} was killed while it held account:${account}, and is replaced`);
}

async function empty({ health, changes, tally, say }: Scene, { dice, cutoff }: Bounds): Promise<void> {
  const node = dice.pick(health.nodes);
  await node.restart({ empty: true });
  tally.emptied += 1;
  say(`node ${node.port} was killed and came back empty: it votes again after its quarantine`);
  if (await changes.until(() => health.of(node) === 'voting', cutoff, 15_000))
    say(`node ${node.port} votes again`);
}

/** Has the worker that next seals an account linger before it writes; resolves to which, undefined if there is none. */
async function catchOne({ seats, tell }: Crew, changes: Changes, cutoff: AbortSignal) {
  const workers = seats.filter(({ state }) => state === 'working');
  for (const worker of workers) worker.caught = undefined;
  for (const worker of workers) tell(worker, { kind: 'linger', next: true });
  const isCaught = (worker: Worker): boolean => worker.caught !== undefined;
  await changes.until(() => workers.some(isCaught), cutoff, 4_000);
  for (const worker of workers) tell(worker, { kind: 'linger', next: false });
  const worker = workers.find(isCaught);
  return worker?.caught && { worker, ...worker.caught };
}

/** A token is known by its end. */
const tail = (token: number): string => `…${String(token).slice(-6)}`;
