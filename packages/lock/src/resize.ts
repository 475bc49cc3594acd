/**
 * Changing the number of permits of a semaphore.
 *
 * The slots to be removed are held by the resizer, from before any node is told the new number until every node knows
 * it: afterwards no node grants them under the old one. The nodes say which slots there are, because the caller may
 * know an older number. Several resizers go one after the other.
 *
 * Guarantees: when it resolves, every node knows the number, and no permit above it was valid at that moment. If it
 * fails before the nodes are told, nothing has changed; if it fails while they are told, they may know either number,
 * and the call is to be repeated.
 */
import { BusyError, UnavailableError } from '@holdfast/kernel';
import { acquireLease } from './acquire.js';
import { throwIfClosed } from './closing.js';
import type { LeaseKeys } from './deployment.js';
import type { HeldLease } from './lease.js';
import type { Leasing, Terms } from './leasing.js';
import { exclusive } from './modes.js';
import { type PermitNumber, permitsOf } from './permits.js';

/** How often the slots are taken again if they could not be kept until all nodes were told. */
const TRIES = 10;

export interface Resizing {
  readonly name: string;
  readonly number: PermitNumber;
  readonly permits: number;
  /** The number that the caller knows, in case no node knows one. */
  readonly known: number;
  readonly terms: Terms;
  /** From now on nodes may know either number. */
  readonly onTelling: () => void;
  /** Every node knows the new number. */
  readonly onTold: () => void;
}

/** Throws BusyError if slots to be removed are not free within `wait`, UnavailableError unless all nodes take part. */
export async function resize(leasing: Leasing, resizing: Resizing): Promise<void> {
  const { name, number, permits } = resizing;
  const { deployment } = leasing.context.members;
  const held = new Holding(leasing, resizing.terms);
  try {
    const turn = `The semaphore "${name}" is being resized by somebody else`;
    const { token } = await held.take(name, deployment.resizeKeys(name), turn);
    let most = resizing.known;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const seen = await number.read();
      most = Math.max(most, ...[...seen.values()].map(permitsOf));
      for (let slot = permits + 1; slot <= most; slot += 1) {
        const label = `${name}#${slot}`;
        await held.take(
          label,
          deployment.slotKeys(name, slot),
          `The permit "${label}", which goes, is still held`,
        );
      }
      if (!held.isWhole) continue;
      resizing.onTelling();
      const isTold = await number.publish(permits, token, seen);
      if (!isTold || !held.isWhole) continue;
      resizing.onTold();
      return;
    }
    throw new UnavailableError(
      `The permits of "${name}" that go could not be held until all nodes knew the number; repeat resize(${permits}) with a longer ttl.`,
      [],
    );
  } finally {
    await held.end();
  }
}

/** The leases that the resizer holds, each of them renewed. */
class Holding {
  readonly #leasing: Leasing;
  readonly #terms: Terms;
  readonly #deadline: number;
  readonly #leases = new Map<string, HeldLease>();
  readonly #renewals: { stop(): void }[] = [];

  constructor(leasing: Leasing, terms: Terms) {
    this.#leasing = leasing;
    this.#terms = terms;
    this.#deadline = leasing.context.clock.now() + terms.wait;
  }

  /** Whether all of them are still valid. */
  get isWhole(): boolean {
    return [...this.#leases.values()].every((lease) => lease.remaining() > 0);
  }

  /** Takes a lease that is not held, or no longer; `busy` explains the error if somebody else has it. */
  async take(label: string, keys: LeaseKeys, busy: string): Promise<HeldLease> {
    throwIfClosed(this.#leasing.context.closing, `acquiring "${label}"`);
    const present = this.#leases.get(keys.lockKey);
    if (present && present.remaining() > 0) return present;
    void present?.release();
    const { context } = this.#leasing;
    const wait = Math.max(0, Math.ceil(this.#deadline - context.clock.now()));
    const mode = exclusive(context.members, label, keys);
    const asked = acquireLease(context, { ...this.#terms, mode, resource: label, wait });
    const lease = await asked.catch((error: unknown) => {
      if (!(error instanceof BusyError)) throw error;
      const { token, remaining } = error;
      throw new BusyError(`${busy} after waiting ${this.#terms.wait} ms; try again later.`, {
        resource: label,
        ...(token !== undefined && { token }),
        ...(remaining !== undefined && { remaining }),
      });
    });
    this.#leases.set(keys.lockKey, lease);
    this.#renewals.push(...this.#leasing.renew(lease));
    return lease;
  }

  async end(): Promise<void> {
    for (const renewal of this.#renewals) renewal.stop();
    await Promise.all([...this.#leases.values()].map((lease) => lease.release()));
  }
}
