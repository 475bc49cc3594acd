/**
 * Who sees everything: judges each grant by what was true in the world at that moment, whatever the clients believed.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises. A lease counts as valid for as long as its holder
 * may rely on it (`remaining()`), read at the world's time; one whose process is gone counts no more.
 */

import { type Kind, RESIZED, SEMAPHORE } from '../plan/plan.js';
import type { Judge, Violation } from '../run/part.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { PermitNumber } from './permits.js';

/** What the rules need of a lease. */
export interface Judged {
  readonly resource: string;
  readonly token: number;
  readonly signal: AbortSignal;
  remaining(): number;
}

/** One lease that somebody holds. */
interface Held {
  readonly lease: Judged;
  readonly kind: Kind;
  readonly machine: Machine;
  readonly asked: Asked;
  /** When it was granted, in microseconds. */
  readonly granted: number;
  /** When it was granted or extended last, in microseconds. */
  since: number;
}

/** The tokens that were granted when somebody began to ask. */
export interface Asked {
  readonly kind: Kind;
  readonly resource: string;
  readonly highest: ReadonlyMap<string, Tokens>;
  /** When it began to ask, in microseconds. */
  readonly from: number;
  /** When it asked no more, in microseconds. */
  until: number;
  /** Of a permit of the semaphore that changes: the number of permits that it believes. */
  permits?: number;
}

interface Tokens {
  exclusive: number;
  shared: number;
}

/** A TTL of which a third is many times what a message takes, in ms. */
const LONG = 300;

export class Oracle implements Judge {
  readonly violations: Violation[] = [];
  /** Leases that were granted. */
  grants = 0;
  /** The number of permits of the semaphore that changes. */
  readonly resized = new PermitNumber(RESIZED.permits);
  readonly #world: World;
  readonly #held = new Set<Held>();
  readonly #highest = new Map<string, Tokens>();
  readonly #tokens = new Set<string>();
  readonly #asked: Asked[] = [];
  readonly #ended = new WeakSet<Judged>();

  constructor(world: World) {
    this.#world = world;
  }

  violate(rule: string, message: string): void {
    this.#world.note('VIOLATION', `${rule}: ${message}`);
    this.violations.push({ rule, message });
  }

  /** Somebody begins to ask. */
  asks(kind: Kind, resource: string): Asked {
    const slots = Array.from({ length: RESIZED.most }, (_, slot) => `${resource}#${slot + 1}`);
    const names = kind === 'permit' ? slots : [resource];
    const highest = new Map(names.map((name) => [name, { ...this.#of(name) }]));
    const { now: from } = this.#world.scheduler;
    const asked: Asked = { kind, resource, highest, from, until: Number.POSITIVE_INFINITY };
    this.#asked.push(asked);
    return asked;
  }

  /** Somebody begins to change the number of permits; what is returned is told how that ended. */
  resizes(permits: number, machine: Machine): (isDone: boolean) => void {
    const { scheduler } = this.#world;
    const change = this.resized.begin(permits, scheduler.now);
    return (isDone) =>
      machine.whenReal(() => {
        this.resized.end(change, scheduler.now, isDone);
        const valid = this.#permits(RESIZED.name);
        if (isDone && valid.length > this.resized.most && !this.#world.plan.clocksJump) {
          const what = `"${RESIZED.name}" was resized to ${permits}`;
          this.violate('permits', `${what} while ${valid.length} permits were valid`);
        }
      });
  }

  /** It asks no more, however that ended. */
  asksNoMore(asked: Asked): void {
    asked.until = this.#world.scheduler.now;
  }

  granted(asked: Asked, lease: Judged, machine: Machine): void {
    this.grants += 1;
    const { kind, highest } = asked;
    const { resource, token } = lease;
    const who = `${machine.name} was granted ${kind} "${resource}" under ${token}`;
    const before = highest.get(resource) ?? { exclusive: 0, shared: 0 };
    // Who reads beside others shares their token.
    const lowest = Math.max(before.exclusive, kind === 'shared' ? before.shared - 1 : before.shared);
    if (token <= lowest)
      this.violate('token order', `${who}, but ${lowest} had been granted before it asked`);
    const name = `${resource} ${token}`;
    if (kind !== 'shared' && this.#tokens.has(name)) this.violate('unique token', `${who} a second time`);
    this.#tokens.add(name);
    const { now } = this.#world.scheduler;
    const held = { lease, kind, machine, asked, granted: now, since: now };
    machine.whenReal(() => {
      const tokens = this.#of(resource);
      const group = kind === 'shared' ? 'shared' : 'exclusive';
      tokens[group] = Math.max(tokens[group], token);
      // Its process may have been paused in the turn in which it was both granted and given up.
      if (this.#ended.has(lease)) return;
      this.#held.add(held);
      this.#judge(held, who);
    });
  }

  /** The highest token that was granted of those which exclude a lease. */
  overtaker({ resource }: Judged, kind: Kind): number {
    const { exclusive, shared } = this.#of(resource);
    return kind === 'shared' ? exclusive : Math.max(exclusive, shared);
  }

  /** It was extended, or resumed. `overtaker` is what it was when that was asked for. */
  extended(lease: Judged, overtaker = 0): void {
    if (overtaker > lease.token) {
      const what = `"${lease.resource}" under ${lease.token} was extended`;
      this.violate('overtaken', `${what} although ${overtaker} had been granted since`);
    }
    for (const held of this.#held) {
      if (held.lease !== lease) continue;
      held.since = this.#world.scheduler.now;
      const who = `${held.machine.name} extended "${lease.resource}" under ${lease.token}`;
      held.machine.whenReal(() => this.#judge(held, who));
    }
  }

  /** A lease that is renewed was lost. Before the first fault, and with time enough for a few messages, nothing can. */
  lapsed(resource: string, ttl: number): void {
    const { plan, scheduler } = this.#world;
    const isWell = plan.faults.every(({ at }) => at * 1000 > scheduler.now);
    if (isWell && ttl >= LONG) {
      this.violate('lost without a cause', `"${resource}" was renewed all the time, and all was well`);
    }
  }

  /**
   * Its holder was told that it is lost. Somebody must have asked for the resource since it was extended last, or a node
   * may have forgotten it.
   */
  lost(lease: Judged): void {
    const { plan, scheduler } = this.#world;
    const held = [...this.#held].find((each) => each.lease === lease);
    const mayHaveForgotten = plan.faults.some(
      ({ f }) => f === 'crash' || f === 'flush' || f === 'node clock',
    );
    if (held === undefined || held.kind === 'permit' || mayHaveForgotten) return;
    // What an attempt took and gave back may stay for the length of a TTL, where a node could not be reached.
    const earliest = held.since - plan.deployment.maxTtl * 1000;
    const asked = this.#asked.some(
      (each) => each !== held.asked && each.resource === lease.resource && each.until > earliest,
    );
    const isForgotten = scheduler.now - held.since > plan.deployment.retention * 1000 * 0.9;
    if (!asked && !isForgotten) {
      this.violate(
        'lost without a cause',
        `"${lease.resource}" under ${lease.token}, which nobody else asked for`,
      );
    }
  }

  /** Its holder does not rely on it any more. */
  ended(lease: Judged): void {
    this.#ended.add(lease);
    for (const held of this.#held) if (held.lease === lease) this.#held.delete(held);
  }

  /** The process is gone. */
  died(machine: Machine): void {
    for (const held of this.#held) if (held.machine === machine) this.#held.delete(held);
  }

  #judge(held: Held, who: string): void {
    if (held.lease.remaining() === 0 || this.#world.plan.clocksJump) return;
    for (const other of this.#held) {
      const isValid = other.lease.remaining() > 0;
      if (other === held || other.lease.resource !== held.lease.resource) continue;
      const both = other.kind === 'shared' && held.kind === 'shared';
      const whose = `${other.machine.name}'s ${other.kind} lease under ${other.lease.token}`;
      if (isValid && !both) {
        const left = other.lease.remaining().toFixed(1);
        this.violate('mutual exclusion', `${who} while ${whose} was valid for ${left} ms more`);
      }
      const told = other.lease.signal.aborted || !other.machine.isPunctual;
      if (!isValid && !told) this.violate('signal', `${who}, but the signal of ${whose} had not aborted`);
    }
    if (held.kind === 'permit') this.#judgePermit(held, who);
  }

  #judgePermit(held: Held, who: string): void {
    const { resource: semaphore, permits: believed = 0 } = held.asked;
    const isResized = semaphore === RESIZED.name;
    const valid = this.#permits(semaphore);
    const most = isResized ? Math.max(believed, this.resized.most) : SEMAPHORE.permits;
    if (valid.length > most) {
      this.violate('permits', `${who} as one of ${valid.length}, but there are ${most}`);
    }
    // A permit that is held keeps those who ask later from using another number, unless somebody changed it.
    const odd = valid.find(
      ({ asked, granted }) =>
        granted < held.asked.from &&
        asked.permits !== believed &&
        !this.resized.mayHaveBecome(believed, granted),
    );
    if (isResized && odd) {
      this.violate('permits', `${who} as one of ${believed} beside one of ${odd.asked.permits}`);
    }
  }

  #permits(semaphore: string): Held[] {
    return [...this.#held].filter(
      ({ kind, asked, lease }) => kind === 'permit' && asked.resource === semaphore && lease.remaining() > 0,
    );
  }

  #of(resource: string): Tokens {
    const known = this.#highest.get(resource);
    if (known) return known;
    const none = { exclusive: 0, shared: 0 };
    this.#highest.set(resource, none);
    return none;
  }
}
