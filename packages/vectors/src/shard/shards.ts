/**
 * The shards of an index, those that this process holds and those that it asks others for, all at once.
 *
 * Guarantees: what a shard throws is thrown here; with `partialAfter`, one that does not answer in time or cannot is left out instead,
 * and is not asked again in the same search. Calls to shards end with the call here.
 */
import { type Clock, UnavailableError, unlessAborted } from '@holdfast/kernel';
import { inTime } from '../hybrid/in-time.js';
import type { VectorIndex } from '../vector-index.js';
import { type Answer, type Call, callText, ownAnswer, readAnswer, type Verb } from './calls.js';
import type { Peers } from './options.js';

export interface ShardsParts {
  /** Of the sharded index. */
  readonly name: string;
  readonly indexes: readonly VectorIndex[];
  readonly held: ReadonlySet<number>;
  /** Whoever does not hold all has it. */
  readonly peers: Peers | undefined;
  readonly clock: Clock;
}

interface Waiting {
  readonly partialAfter: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Which are asked. Default all. */
  readonly among?: readonly number[];
  /** Whether no answer at all is one, too. */
  readonly mayBeNone?: boolean;
}

type Ask<A> = (shard: number, signal: AbortSignal) => Promise<A>;

export class Shards {
  readonly numbers: readonly number[];
  readonly #parts: ShardsParts;

  constructor(parts: ShardsParts) {
    this.#parts = parts;
    this.numbers = [...parts.indexes.keys()];
  }

  get count(): number {
    return this.numbers.length;
  }

  /** Those of which there is no answer, and others. */
  without(found: ReadonlyMap<number, unknown>, others: ReadonlySet<number> = new Set()): readonly number[] {
    return this.numbers.filter((shard) => !found.has(shard) || others.has(shard));
  }

  /**
   * Asks several shards. With `partialAfter` it leaves out those that do not answer in time, or cannot; without, it throws what one of
   * them throws.
   */
  async all<A>(ask: Ask<A>, waiting: Waiting): Promise<ReadonlyMap<number, A>> {
    const { partialAfter, signal, among = this.numbers } = waiting;
    if (partialAfter !== undefined) return this.#inTime(ask, { ...waiting, deadline: partialAfter, among });
    const ended = new AbortController();
    const all = Promise.all(among.map(async (shard) => [shard, await ask(shard, ended.signal)] as const));
    try {
      return new Map(await unlessAborted(signal, 'shards were asked', all));
    } finally {
      ended.abort();
    }
  }

  /** Throws MisuseError, AbortedError, and UnavailableError if no shard has answered. */
  async #inTime<A>(
    ask: Ask<A>,
    { deadline, signal, among, mayBeNone }: Waiting & { deadline: number; among: readonly number[] },
  ): Promise<ReadonlyMap<number, A>> {
    const { clock, name } = this.#parts;
    const work = among.map((shard) => inTime(clock, { deadline, signal }, (ended) => ask(shard, ended)));
    const found = new Map<number, A>();
    const reasons: { node: string; reason: string }[] = [];
    for (const [at, answer] of (await Promise.all(work)).entries()) {
      const shard = among[at] as number;
      const node = `shard ${shard}`;
      if (answer.outcome === 'done') found.set(shard, answer.value);
      else if (answer.outcome === 'late') reasons.push({ node, reason: `later than ${deadline} ms` });
      else if (answer.error instanceof UnavailableError) reasons.push({ node, reason: answer.error.message });
      else throw answer.error;
    }
    if (found.size > 0 || mayBeNone) return found;
    throw new UnavailableError(`No shard of the index "${name}" has answered. Try again.`, reasons);
  }

  /** Throws what the shard throws, and UnavailableError if it cannot be asked. */
  async ask<V extends Verb>(call: Call<V>, signal: AbortSignal): Promise<Answer<V>> {
    const { held, name } = this.#parts;
    const { shard } = call;
    if (held.has(shard)) return unlessAborted(signal, 'a shard was asked', this.own(call));
    const peers = this.#parts.peers as Peers;
    let text: string;
    try {
      text = await peers(shard, callText(call), signal);
    } catch (cause) {
      throw new UnavailableError(
        `Shard ${shard} of the index "${name}" could not be asked. Try again.`,
        [{ node: `shard ${shard}`, reason: String((cause as Error)?.message ?? cause) }],
        { cause },
      );
    }
    return readAnswer(call, text);
  }

  /** What a shard answers that this process holds. */
  own<V extends Verb>(call: Call<V>): Promise<Answer<V>> {
    return ownAnswer(this.#parts.indexes[call.shard] as VectorIndex, call);
  }
}
