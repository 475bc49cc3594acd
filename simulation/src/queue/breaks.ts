/**
 * Judges the breaker of the queue: it opens when enough attempts have failed, and not before; nothing is delivered while it
 * is open, and one delivery at a time while it is half-open.
 */
import type { Reply } from '../redis/index.js';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { QueuePlan } from './plan.js';

interface Kept {
  /** Until when no task begins, by the server, in ms; undefined while it is closed. */
  readonly broken: number | undefined;
  /** How many attempts have failed and were followed by another, and how many tasks became dead letters. */
  readonly retried: number;
  readonly buried: number;
  readonly completed: number;
}

interface Probe {
  readonly level: number;
  readonly entry: string;
  readonly session: string;
}

const placeOf = ({ level, entry }: Probe): string => `${level} ${entry}`;

const failuresOf = ({ retried, buried }: Kept): number => retried + buried;

/** How many of the ends that a call asks for may count as failures. */
const failuresIn = (args: readonly string[]): number =>
  args.filter((word) => word === 'retry' || word === 'spent').length;

export class Breaks {
  readonly #world: World<QueuePlan>;
  readonly #violate: Violate;
  #kept: Kept | undefined;
  /** When attempts have failed for sure, or may have, since it was closed last. */
  #failures: number[] = [];
  #ends: number[] = [];
  /** When attempts may have failed, whether or not it has opened since. */
  #all: number[] = [];
  #probe: Probe | undefined;

  constructor(world: World<QueuePlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** The server is about to forget. */
  forgets(): void {
    this.#kept = undefined;
    this.#failures = [];
    // It may know of those by which it had opened, but not that it had.
    this.#ends = [...this.#all];
    this.#probe = undefined;
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, reply: readonly Reply[]): void {
    const { plan, store } = this.#world;
    const { breaker } = plan.queue;
    if (breaker === undefined || plan.clocksJump) return;
    const meta = (field: string): unknown => store.server.execute('HGET', [key('meta'), field]);
    const before = this.#kept;
    const broken = meta('broken');
    const kept = {
      broken: broken === null ? undefined : Number(broken),
      ...{ retried: Number(meta('ends:retry')), buried: Number(meta('ends:dead')) },
      completed: Number(meta('ends:done')),
    };
    this.#kept = kept;
    const isEnd = verb === 'finish' && reply[0] === 'finished';
    if (meta('breaker') === null || (reply[0] !== 'worked' && !isEnd)) return;
    const now = isEnd ? Math.floor(store.time() / 1_000) : Number(reply[2]);
    const ended = before === undefined ? failuresIn(args) : failuresOf(kept) - failuresOf(before);
    this.#noteEnds(ended, now);
    if (before === undefined) return;
    if (before.broken === undefined && !plan.failsOver) this.#judgeFailures(before, kept, now);
    if (kept.broken !== undefined) this.#judgeEnd(args, kept.completed - before.completed);
    if (kept.broken === undefined) this.#probe = undefined;
    else if (verb === 'work' || verb === 'fetch')
      this.#judgeDeliveries(String(args[0]), reply, before.broken === kept.broken);
    if (kept.broken !== undefined || before.broken !== undefined) {
      this.#failures = [];
      this.#ends = [];
    }
  }

  /** A failure counts for a hundredth longer at most. */
  #noteEnds(ended: number, now: number): void {
    const { within } = this.#world.plan.queue.breaker as NonNullable<QueuePlan['queue']['breaker']>;
    const mayCount = (at: number): boolean => now - at <= 1.02 * within + 2;
    const added: number[] = Array(ended).fill(now);
    this.#ends = [...this.#ends.filter(mayCount), ...added];
    this.#all = [...this.#all.filter(mayCount), ...added];
  }

  /** Of a call before which it was closed. */
  #judgeFailures(before: Kept, kept: Kept, now: number): void {
    const { failures, within } = this.#world.plan.queue.breaker as NonNullable<QueuePlan['queue']['breaker']>;
    const retried = kept.retried - before.retried;
    const isRecent = (at: number): boolean => now - at <= Math.floor(within);
    this.#failures = [...this.#failures.filter(isRecent), ...Array(retried).fill(now)];
    if (this.#failures.length >= failures && kept.broken === undefined)
      this.#violate('breaker', `it is closed after ${this.#failures.length} failures, of ${failures}`);
    if (this.#ends.length < failures && kept.broken !== undefined)
      this.#violate('breaker', `it has opened after ${this.#ends.length} failures, of ${failures}`);
  }

  /** It is not closed after a call in which all deliveries that were to complete have done so. */
  #judgeEnd(args: readonly string[], completed: number): void {
    const ended = args
      .map((_, index) => args.slice(index, index + 3).join(' '))
      .filter((words) => /^(done|recorded) \d \d+-\d+$/.test(words))
      .map((words) => words.slice(words.indexOf(' ') + 1));
    if (this.#probe && ended.length === completed && ended.includes(placeOf(this.#probe)))
      this.#violate('breaker', `${this.#probe.entry} has completed, and it has not closed`);
  }

  /** `isSame`: it has neither opened nor closed in the call. */
  #judgeDeliveries(session: string, reply: readonly Reply[], isSame: boolean): void {
    const now = Number(reply[2]);
    const delivered: Probe[] = [];
    for (let place = 8; place < reply.length; place += 2) {
      for (const [entry] of reply[place + 1] as unknown as [string][])
        delivered.push({ level: Number(reply[place]), entry, session });
    }
    const [probe] = delivered;
    if (probe === undefined) return;
    const until = this.#kept?.broken ?? 0;
    if (!isSame || until > now)
      this.#violate('breaker', `${probe.entry} was delivered ${until - now} ms before it is half-open`);
    if (delivered.length > 1) this.#violate('breaker', `${delivered.length} were delivered, half-open`);
    const isAnother = this.#probe !== undefined && placeOf(this.#probe) !== placeOf(probe);
    if (this.#probe && isAnother && this.#isPending(this.#probe))
      this.#violate('breaker', `${probe.entry} was delivered beside ${this.#probe.entry}, half-open`);
    this.#probe = probe;
  }

  #isPending({ level, entry, session }: Probe): boolean {
    const { server } = this.#world.store;
    const args = [key(`ready:${level}`), 'workers', entry, entry, '1', session];
    const pending = server.execute('XPENDING', args);
    return Array.isArray(pending) && pending.length > 0;
  }
}
