/**
 * The number of permits of one semaphore, as the nodes keep it.
 *
 * Guarantees: a number replaces another only on nodes that still keep the value that was read from them, so of two
 * concurrent changes one is refused, and a late message changes nothing. A node that has forgotten the number is told
 * it by any client that uses the semaphore, and only the number that a majority keeps: a holder that was granted its
 * permit under an earlier number does not bring that back.
 */
import { UnavailableError } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';
import type { Members } from './members.js';
import type { NumberVote } from './verbs.js';
import type { Vote, Votes } from './votes.js';

/** The name of a semaphore, for messages and keys. */
interface Named {
  readonly name: string;
  readonly members: Members;
  /** How long nodes may take to answer, in ms. */
  readonly timeout: number;
}

export class PermitNumber {
  readonly key: string;
  readonly #named: Named;
  #teaching: Promise<void> | undefined;

  constructor(named: Named) {
    this.#named = named;
    this.key = named.members.deployment.permitsKey(named.name);
  }

  /** Reads what every node keeps. Throws UnavailableError unless all of them answer. */
  async read(): Promise<ReadonlyMap<RedisNode, NumberVote>> {
    const votes = await this.#ask('');
    const known = this.#known(votes);
    if (known.size === votes.length) return known;
    throw new UnavailableError(
      `To change the number of permits of "${this.#named.name}" all nodes must answer; try again when they do.`,
      this.#named.members.reasons(votes),
    );
  }

  /**
   * Replaces what was read by `permits`, decided under `token`. False if another change was made since; throws
   * UnavailableError if not every node has answered.
   */
  async publish(permits: number, token: number, seen: ReadonlyMap<RedisNode, NumberVote>): Promise<boolean> {
    const value = `${permits} ${token}`;
    const votes = await this.#ask(value, seen);
    const known = this.#known(votes);
    if (known.size === votes.length) return [...known.values()].every((vote) => vote.value === value);
    throw new UnavailableError(
      `Not all nodes know yet that "${this.#named.name}" has ${permits} permits; repeat resize(${permits}).`,
      this.#named.members.reasons(votes),
    );
  }

  /** Tells nodes that know no number the one that a majority keeps. Never rejects. */
  teach(): Promise<void> {
    this.#teaching ??= this.#teach().finally(() => {
      this.#teaching = undefined;
    });
    return this.#teaching;
  }

  async #teach(): Promise<void> {
    const { members } = this.#named;
    const known = this.#known(await this.#ask(''));
    const value = majorityOf([...known.values()], members.deployment.quorum);
    const lacking = new Map([...known].filter(([, vote]) => vote.value === ''));
    if (value !== undefined && lacking.size > 0) await this.#ask(value, lacking);
  }

  #known(votes: Votes): Map<RedisNode, NumberVote> {
    const { nodes } = this.#named.members;
    const isKnown = (entry: readonly [RedisNode, Vote | undefined]): entry is [RedisNode, NumberVote] =>
      entry[1]?.kind === 'number';
    return new Map(nodes.map((node, index) => [node, votes[index]] as const).filter(isKnown));
  }

  #ask(value: string, seen?: ReadonlyMap<RedisNode, NumberVote>): Promise<Votes> {
    const { members, timeout } = this.#named;
    return members.ask(timeout * 5, {
      verb: members.verbs.number,
      request: { numberKey: this.key, value, ...(seen && { seen }) },
      subject: this.key,
      isDecided: (votes) => !votes.includes(undefined),
    });
  }
}

/** The number of permits in what a node keeps; 0 if it knows none. */
export const permitsOf = ({ value }: NumberVote): number => Number.parseInt(value, 10) || 0;

/** The value that a majority keeps; its nodes may have learned the same number in several ways. */
function majorityOf(votes: readonly NumberVote[], quorum: number): string | undefined {
  const agreeing = (vote: NumberVote): number =>
    votes.filter((other) => permitsOf(other) === permitsOf(vote)).length;
  return votes.find((vote) => vote.value !== '' && agreeing(vote) >= quorum)?.value;
}
