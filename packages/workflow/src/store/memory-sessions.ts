/**
 * The sessions of workers, in a partition in memory.
 */
interface Session {
  ends: number;
  calls: number;
  /** What its worker has: builds by workflow. */
  serves: ReadonlyMap<string, string>;
}

export class MemorySessions {
  readonly #now: () => number;
  readonly #onFirst: () => void;
  /** Those that are over, but whose runs were not taken back yet, end at 0. */
  readonly #sessions = new Map<string, Session>();

  /** `now`: in ms since the epoch. `onFirst`: a session begins, or goes on, while all others are over. */
  constructor(now: () => number, onFirst: () => void) {
    this.#now = now;
    this.#onFirst = onFirst;
  }

  /** When the first is over, in ms since the epoch. */
  get firstEnd(): number {
    return Math.min(...[...this.#sessions.values()].map(({ ends }) => ends));
  }

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  isValid(session: string): boolean {
    return (this.#sessions.get(session)?.ends ?? 0) > this.#now();
  }

  prolong(session: string, lease: number): void {
    if ([...this.#sessions.values()].every(({ ends }) => ends < this.#now())) this.#onFirst();
    const { calls = 0, serves = new Map() } = this.#sessions.get(session) ?? {};
    this.#sessions.set(session, { ends: this.#now() + lease, calls, serves });
  }

  renew(session: string, lease: number): boolean {
    const known = this.#sessions.get(session);
    if (!known || known.ends === 0) return false;
    this.prolong(session, lease);
    return true;
  }

  /** False if it is over. */
  serve(session: string, serves: ReadonlyMap<string, string>): boolean {
    const known = this.#sessions.get(session);
    if (!known || known.ends === 0) return false;
    known.serves = serves;
    return true;
  }

  /** Of a workflow, the builds that workers have now. */
  buildsOf(workflow: string): readonly string[] {
    return [...this.#sessions.values()].flatMap(({ ends, serves }) =>
      ends > this.#now() ? (serves.get(workflow) ?? []) : [],
    );
  }

  /** Whether a call has a higher number than those before it. */
  isNext(session: string, number: number): boolean {
    const known = this.#sessions.get(session);
    if (!known || number <= known.calls) return false;
    known.calls = number;
    return true;
  }

  close(session: string): boolean {
    return this.#sessions.delete(session);
  }

  /** Its worker is dead, for all that anybody knows. */
  expire(session: string): void {
    const known = this.#sessions.get(session);
    if (known) known.ends = 0;
  }

  /** Takes out one that is over, if there is one; `own` was renewed in this call, for which no time passes. */
  takeOver(own: string): readonly string[] {
    for (const [session, { ends }] of this.#sessions) {
      if (session === own || ends > this.#now()) continue;
      this.#sessions.delete(session);
      return [session];
    }
    return [];
  }
}
