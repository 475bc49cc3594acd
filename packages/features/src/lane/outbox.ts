/**
 * What is on its way from one source partition to one partition of the store: calls, one after the other, each of which says
 * up to which offset it goes.
 *
 * Guarantees: calls leave in order, and a call is repeated until it is answered, so a partition that is away, or whose slot
 * moves to another server, holds up nothing but what goes to it. A call ends between two records of the source. After one that
 * cannot be carried out, nothing more leaves.
 */
import { pause, UnavailableError } from '@holdfast/kernel';
import { GenerationEndedError } from '../errors.js';
import { compareOffsets, type Offset, printOffset } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Buried, Landed, LaneClaim, LaneRefusal, Letter } from '../store/verbs.js';
import type { FollowParts, Parcel, SourceHand } from './parts.js';

/** The pause before a call is repeated, in ms. */
const PAUSE = 50;

type Pieces = Parcel['pieces'];

type Reply = Landed | { readonly word: 'told' } | Buried | LaneRefusal;

/** Of a batch of the source. */
interface Waiting {
  readonly pieces: Pieces;
  readonly through: Offset;
  readonly weight: number;
}

/** The partition stands elsewhere than was thought, or does not know the lane: the source is read again from where it stands. */
export class Elsewhere extends Error {}

export class Outbox {
  /** How far the source has been taken in there. */
  taken: Offset | undefined;
  readonly #parts: FollowParts;
  readonly #hand: SourceHand;
  readonly #partition: Partition;
  readonly #queue: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #count = 0;

  constructor(parts: FollowParts, hand: SourceHand, partition: Partition, taken: Offset | undefined) {
    this.#parts = parts;
    this.#hand = hand;
    this.#partition = partition;
    this.taken = taken;
  }

  /** How many pieces are waiting or on their way. */
  get count(): number {
    return this.#count;
  }

  /** Takes what follows what was taken before: those that are there already are dropped. */
  add(pieces: Pieces, through: Offset): void {
    const fresh = pieces.filter(({ offset }) => compareOffsets(offset, this.taken) > 0);
    if (fresh.length === 0) return;
    const weight = fresh.reduce((sum, piece) => sum + piece.weight, 0);
    this.#queue.push({ pieces: fresh, through, weight });
    this.#count += weight;
    this.#start();
  }

  /** Notes that up to here there is nothing more for the partition. */
  tell(through: Offset): void {
    if (this.#queue.length > 0 || compareOffsets(this.taken, through) >= 0) return;
    this.#queue.push({ pieces: [], through, weight: 0 });
    this.#start();
  }

  /** Resolves when nothing is on its way. Rejects if it can go no further. */
  async idle(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  /** Keeps records that cannot be read, in their order. Resolves to how many of them were not kept before: the last ones. */
  async bury(letters: readonly Letter[]): Promise<number> {
    const { view, deadLetters } = this.#parts;
    const partition = this.#partition;
    const reply = await this.#repeat(() =>
      partition.call(partition.verbs.bury, { claim: this.#claim(), view, bound: deadLetters, letters }),
    );
    return reply.word === 'buried' ? reply.count : 0;
  }

  #start(): void {
    this.#sending ??= this.#drain();
    this.#sending.catch((error: unknown) => this.#hand.fail(error));
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const { pieces, through, weight, count } = this.#next();
      await this.#send(pieces, through);
      this.#queue.splice(0, count);
      this.#count -= weight;
      this.#hand.left();
    }
    this.#sending = undefined;
  }

  /** What was taken first, and as much of what was taken since as fits into its call: where calls take long, there are fewer. */
  #next(): Waiting & { readonly count: number } {
    let [count, weight] = [0, 0];
    for (const each of this.#queue) {
      if (count > 0 && weight + each.weight > this.#parts.most) break;
      count += 1;
      weight += each.weight;
    }
    const [first, ...others] = this.#queue.slice(0, count) as [Waiting, ...Waiting[]];
    if (others.length === 0) return { ...first, count };
    const pieces = [first, ...others].flatMap((each) => each.pieces);
    return { pieces, through: others.at(-1)?.through ?? first.through, weight, count };
  }

  /** In calls that end between two records. */
  async #send(pieces: Pieces, through: Offset): Promise<void> {
    if (pieces.length === 0) return this.#settle(through, () => this.#tell(through));
    for (let from = 0; from < pieces.length; ) {
      const to = this.#endOfCall(pieces, from);
      const end = to === pieces.length ? through : (pieces[to - 1]?.offset ?? through);
      const part = pieces.slice(from, to);
      await this.#settle(end, () => this.#land(part, end));
      from = to;
    }
  }

  #endOfCall(pieces: Pieces, from: number): number {
    const { most, taking } = this.#parts;
    let to = from + 1;
    if ('add' in taking) {
      // What was gathered is one of them already, and may be joined with others.
      let weight = pieces[from]?.weight ?? 0;
      for (; to < pieces.length && weight + (pieces[to]?.weight ?? 0) <= most; to += 1)
        weight += pieces[to]?.weight ?? 0;
      return to;
    }
    to = Math.min(from + most, pieces.length);
    while (to < pieces.length && compareOffsets(pieces[to - 1]?.offset, pieces[to]?.offset) === 0) to += 1;
    return to;
  }

  #land(pieces: Pieces, through: Offset): Promise<Landed | LaneRefusal> {
    const { number } = this.#hand;
    const span = { after: printOffset(this.taken), through: printOffset(through) };
    const parcel = { partition: this.#partition, claim: this.#claim(), span, pieces, source: number };
    return this.#parts.send(parcel);
  }

  async #tell(through: Offset): Promise<{ readonly word: 'told' } | LaneRefusal> {
    const partition = this.#partition;
    const span = { after: printOffset(this.taken), through: printOffset(through) };
    const [verdict] = await partition.call(partition.verbs.tell, [{ ...this.#claim(), ...span }]);
    return verdict as { readonly word: 'told' } | LaneRefusal;
  }

  async #settle(through: Offset, call: () => Promise<Reply>): Promise<void> {
    await this.#repeat(call);
    this.taken = through;
    this.#hand.health.succeeded();
  }

  /** Calls until the call is carried out. */
  async #repeat<R extends Reply>(call: () => Promise<R>): Promise<R> {
    const { ownership, clock } = this.#parts;
    const { number } = this.#partition;
    const { signal, health } = this.#hand;
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      const [mark, own] = [ownership.markIn(number), this.#hand.own.markIn(number)];
      try {
        const reply = await call();
        if (this.#judge(reply, mark, own)) return reply;
        if (reply.word === 'closed') await ownership.relieve(this.#partition);
        else await ownership.reopen(this.#partition, mark);
        // Its own right is taken anew with the next reading.
        if (reply.word !== 'closed' && reply.word !== 'stale') throw new Elsewhere();
        await pause(clock, PAUSE, signal);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        health.failed(error);
        await health.pause(tries, signal);
      }
    }
  }

  /** Whether the call is done. Throws what ends the follower, or its hold on the source partition. */
  #judge(reply: Reply, mark: string, own: string): boolean {
    const { ownership, generation, lane } = this.#parts;
    const { number } = this.#partition;
    switch (reply.word) {
      case 'landed':
      case 'told':
      case 'buried':
      case 'repeated': // an earlier try of this call, whose answer was lost
        return true;
      case 'stale':
        // Another of our own calls may have opened the lane again since this one left.
        if (ownership.markIn(number) !== mark) return false;
        throw ownership.depose(reply.detail);
      case 'taken':
        if (this.#hand.own.markIn(number) !== own) return false;
        throw this.#hand.own.depose(reply.detail);
      case 'retired': {
        const error = new GenerationEndedError(lane, generation);
        ownership.end(error);
        throw error;
      }
      default:
        return false;
    }
  }

  #claim(): LaneClaim {
    const { generation, lane, ownership } = this.#parts;
    const { number } = this.#partition;
    const source = String(this.#hand.number);
    return {
      ...{ generation, lane, source },
      ...{ mark: ownership.markIn(number), sourceMark: this.#hand.own.markIn(number) },
    };
  }
}
