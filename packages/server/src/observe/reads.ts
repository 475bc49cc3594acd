/**
 * What viewers follow: the answers of operations that read, asked for again and again.
 *
 * Guarantees: all viewers with the same key share what is asked for, once a second at most for each topic. Topics do not
 * wait for each other: one whose store is slow holds up no other. Nothing is asked for when nobody looks.
 */
import { type Clock, pause } from '@holdfast/kernel';
import type { Caller } from '../auth/caller.js';
import { type Problem, problemOf } from '../http/problem.js';

/** How long an answer is shared, and how long a viewer waits between two, in ms. */
const APART = 1_000;
/** How long an operation may wait, in ms. */
const LONGEST = 5_000;

/** The answer of an operation. */
interface Read {
  readonly body?: unknown;
}

interface Shared {
  readonly asked: number;
  readonly answer: Promise<string>;
}

/** The answers of the last second. */
export class Reads {
  readonly #clock: Clock;
  /** By the key and the topic; the one that was asked for longest ago comes first. */
  readonly #shared = new Map<string, Shared>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer as JSON. Never rejects. */
  ask({ viewer }: Caller, topic: string, read: () => Promise<Read>): Promise<string> {
    const key = `${viewer} ${topic}`;
    const now = this.#clock.now();
    const known = this.#shared.get(key);
    if (known && now - known.asked < APART * 0.9) return known.answer;
    for (const [oldest, { asked }] of this.#shared) {
      if (now - asked < 2 * APART) break;
      this.#shared.delete(oldest);
    }
    const answer = read().then(
      ({ body }) => JSON.stringify({ topic, value: body ?? null }),
      (error) => JSON.stringify({ topic, problem: problemOf(error) }),
    );
    this.#shared.delete(key);
    this.#shared.set(key, { asked: now, answer });
    return answer;
  }
}

/** A topic whose answer is another than the last. */
export interface ChangedRead {
  readonly topic: string;
  readonly value?: unknown;
  readonly problem?: Problem;
}

export interface Watch {
  readonly reads: Reads;
  readonly clock: Clock;
  /** Paths of operations. */
  readonly topics: readonly string[];
  readonly caller: Caller;
  readonly read: (path: string, signal: AbortSignal) => Promise<Read>;
  /** Whether it ends when each topic was answered once. */
  readonly isOnce: boolean;
  readonly signal: AbortSignal;
}

/** The answers of topics, each again when it has changed, until `signal` aborts. */
export async function* changes(watch: Watch): AsyncGenerator<ChangedRead> {
  const { reads, clock, topics, caller, read, isOnce, signal } = watch;
  const last = new Map<string, string>();
  const fresh: string[] = [];
  const pending = new Set<string>();
  let wake = new AbortController();
  const ask = async (topic: string): Promise<void> => {
    pending.add(topic);
    // Shared with others, so that it must not end with this viewer.
    const text = await reads.ask(caller, topic, () => read(topic, AbortSignal.timeout(LONGEST)));
    pending.delete(topic);
    if (last.get(topic) === text) return;
    last.set(topic, text);
    fresh.push(text);
    wake.abort();
  };
  while (!signal.aborted) {
    for (const topic of topics) if (!pending.has(topic)) void ask(topic);
    const next = clock.now() + APART;
    for (let left = APART; left > 0 && !signal.aborted; left = next - clock.now()) {
      wake = new AbortController();
      if (fresh.length === 0) await pause(clock, left, signal, wake.signal);
      for (const text of fresh.splice(0)) yield JSON.parse(text);
      if (isOnce && last.size === topics.length && fresh.length === 0) return;
    }
  }
}
