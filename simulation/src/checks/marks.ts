/**
 * The mark of a resource that two issuers write to, seen from inside the store: it changes its issuer only by a transfer
 * that saw the mark that it replaces, falls under no issuer, is not ahead of what anybody can have issued, and what is
 * written belongs to it.
 *
 * Here the issuers are counters whose clocks differ, as those of a deployment of locks and of a queue do. Whether holders
 * of one stop when the other takes over is for the caller to see to, so nothing is asked of updates.
 */
import type { Issuer } from '../plan/plan.js';
import { BEGINNING } from '../world/machine.js';
import type { SimulatedNode } from '../world/node.js';
import type { World } from '../world/world.js';
import type { Oracle } from './oracle.js';

/** What the issuers share. */
const HANDED = 'h';
export const handedKey = 'handed';

export interface Claim {
  readonly resource: string;
  readonly token: number;
  readonly issuer: string;
}

interface Transfer {
  readonly mark: string;
  /** The marks that there were while it was under way. */
  readonly seen: Set<string>;
  isOpen: boolean;
}

export const markOf = ({ token, issuer }: Claim): string => `${token} ${issuer}`;

export class Marks {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #last = new Map<Issuer, number>();
  readonly #transfers: Transfer[] = [];
  #mark = '';
  #value = '';

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  /** A token above all of its issuer. */
  issue(issuer: Issuer): Claim {
    const { scheduler, plan } = this.#world;
    const skew = (issuer === 'one' ? 1 : -1) * plan.deployment.window * 400;
    const time = BEGINNING + Math.floor(scheduler.now) + skew;
    const token = Math.max(time, (this.#last.get(issuer) ?? 0) + 1);
    this.#last.set(issuer, token);
    return { resource: HANDED, token, issuer };
  }

  /** A transfer begins; what it returns is to be called when it has ended for its caller. */
  begins(claim: Claim): () => void {
    const transfer: Transfer = { mark: markOf(claim), seen: new Set([this.#mark]), isOpen: true };
    this.#transfers.push(transfer);
    return () => {
      transfer.isOpen = false;
    };
  }

  /** The store has carried out a command. */
  look(store: SimulatedNode): void {
    const mark = this.#read(store, `{holdfast}:mark:${HANDED}`);
    if (mark !== this.#mark) this.#judge(store, this.#mark, mark);
    this.#note(mark);
    const value = this.#read(store, handedKey);
    if (value !== this.#value && value !== mark) {
      this.#oracle.violate('issuer', `"${value}" was written under the mark "${mark}"`);
    }
    this.#value = value;
  }

  /** The store may have forgotten: what it has now is what there is. */
  restarted(store: SimulatedNode): void {
    this.#note(this.#read(store, `{holdfast}:mark:${HANDED}`));
    this.#value = this.#read(store, handedKey);
  }

  #judge(store: SimulatedNode, before: string, mark: string): void {
    const [token = '', issuer] = mark.split(' ');
    const [least = '', other] = before.split(' ');
    const ahead = Number(token) - store.time() - 2_000 * this.#world.plan.deployment.window;
    if (ahead > 0)
      this.#oracle.violate('mark ahead', `"${mark}" is ${ahead} µs beyond what the guard may accept`);
    if (before === '') return;
    if (issuer === other) {
      if (Number(token) < Number(least)) this.#oracle.violate('issuer', `"${mark}" replaced "${before}"`);
    } else if (!this.#transfers.some((transfer) => transfer.mark === mark && transfer.seen.has(before))) {
      this.#oracle.violate('issuer', `"${mark}" replaced "${before}", which no transfer of it has seen`);
    }
  }

  #note(mark: string): void {
    this.#mark = mark;
    for (const transfer of this.#transfers) if (transfer.isOpen) transfer.seen.add(mark);
  }

  #read(store: SimulatedNode, key: string): string {
    return String(store.server.execute('GET', [key]) ?? '');
  }
}
