/**
 * The limits of workflows of a partition in memory, and pauses: what lua/limits.lua does. For tests of workflows only.
 */
import type { Declared, DeclaredLimits } from './store.js';

interface Kept {
  readonly limits: DeclaredLimits;
  /** When runs have begun, in ms. */
  begun: number[];
}

export class MemoryLimits {
  readonly #kept = new Map<string, Kept>();
  readonly #held = new Set<string>();

  declare(limits: DeclaredLimits): Declared {
    const kept = this.#kept.get(limits.workflow);
    const version = kept?.limits.version ?? 0;
    if (kept && version === limits.version && kept.limits.text !== limits.text) {
      return { word: 'differs', kept: kept.limits.text };
    }
    if (version < limits.version) this.#kept.set(limits.workflow, { limits, begun: kept?.begun ?? [] });
    return { word: 'declared' };
  }

  hold(workflow: string, isHeld: boolean): void {
    if (isHeld) this.#held.add(workflow);
    else this.#held.delete(workflow);
  }

  isHeld(workflow: string): boolean {
    return this.#held.has(workflow);
  }

  versionOf(workflow: string): number {
    return this.#kept.get(workflow)?.limits.version ?? 0;
  }

  /** The most that may wait. */
  waitingOf(workflow: string): number {
    return this.#kept.get(workflow)?.limits.waiting ?? Number.POSITIVE_INFINITY;
  }

  hasConcurrency(workflow: string): boolean {
    return this.#kept.get(workflow)?.limits.concurrency !== undefined;
  }

  /** How many may be owned besides, how many of them may be such as have not begun, and in how many ms more of those may. */
  admit(
    workflow: string,
    { most, owned, now }: { readonly most: number; readonly owned: number; readonly now: number },
  ): { allowed: number; fresh: number; wait: number } {
    if (this.#held.has(workflow)) return { allowed: 0, fresh: 0, wait: Number.POSITIVE_INFINITY };
    const kept = this.#kept.get(workflow);
    const { concurrency = Number.POSITIVE_INFINITY, rate } = kept?.limits ?? {};
    const allowed = Math.max(0, Math.min(most, concurrency - owned));
    if (!kept || rate === undefined) return { allowed, fresh: allowed, wait: Number.POSITIVE_INFINITY };
    kept.begun = kept.begun.filter((at) => now - at <= rate.per);
    const fresh = Math.min(allowed, Math.max(0, rate.max - kept.begun.length));
    const wait = fresh < allowed ? (kept.begun[0] ?? now) + rate.per + 1 - now : Number.POSITIVE_INFINITY;
    return { allowed, fresh, wait };
  }

  noteBegins(workflow: string, count: number, now: number): void {
    this.#kept.get(workflow)?.begun.push(...Array.from({ length: count }, () => now));
  }
}
