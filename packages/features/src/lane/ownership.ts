/**
 * The right of one holder to a lane, or to one of its source partitions, in all partitions of a generation.
 *
 * Guarantees: once `open` has resolved, a holder of a lower token lands nothing in any partition. A lane that another has
 * taken over is deposed: every partition refuses it, and `signal` aborts with a StaleTokenError. Where a partition's server
 * may have forgotten who owns the lane, it is opened there again only after the holder has renewed its right at its issuer,
 * so that a deposed one, which cannot, stays out.
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import { LeaseLostError, MisuseError, type TokenClaim } from '@holdfast/kernel';
import type { Partition } from '../store/partition.js';
import type { Opened } from '../store/verbs.js';

/** Whoever may write: without a signal, nothing but a refusal tells that its right has ended. */
export type LaneHolder = TokenClaim & { readonly signal?: AbortSignal | undefined };

export interface OwnershipOptions {
  readonly partitions: readonly Partition[];
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  /** A source partition of the lane; '' for the lane itself. */
  readonly source: string;
  readonly holder: LaneHolder;
  /** Renews the right of the holder at its issuer; undefined if the holder cannot. */
  readonly renew: (() => Promise<unknown>) | undefined;
  /** Whether a lane that a holder of another issuer has is taken over. */
  readonly takeOver: boolean;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #ending = new AbortController();
  #opened: (Opened | undefined)[] = [];
  readonly #reopening = new Map<number, Promise<void>>();

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** The right to a source partition of the lane, not opened yet: of the same holder, or of another. */
  ofSource(source: string, holder?: LaneHolder): Ownership {
    if (holder === undefined) return new Ownership({ ...this.#options, source });
    return new Ownership({ ...this.#options, source, holder, renew: renewalOf(holder) });
  }

  /** Aborts when the lane is deposed, or its generation has ended. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Throws StaleTokenError, IssuerMismatchError, LeaseLostError, UnavailableError. */
  async open(): Promise<void> {
    const { partitions } = this.#options;
    this.#opened = await Promise.all(partitions.map((partition) => this.#openIn(partition, '', '')));
  }

  markIn(partition: number): string {
    return this.#opened[partition]?.mark ?? '';
  }

  /** How far the source has been taken in there, as it was when the lane was opened. */
  offsetIn(partition: number): string {
    return this.#opened[partition]?.offset ?? '';
  }

  /** Opens the lane again in a partition that answered that it has forgotten. One at a time for each partition. */
  reopen(partition: Partition): Promise<void> {
    const { number } = partition;
    const present =
      this.#reopening.get(number) ??
      this.#openIn(partition, '', '')
        .then((opened) => {
          this.#opened[number] = opened;
        })
        .finally(() => this.#reopening.delete(number));
    this.#reopening.set(number, present);
    return present;
  }

  /** Ends the lane: another holder has it. */
  depose(mark: string): StaleTokenError {
    const { holder, lane, generation } = this.#options;
    const seen = tokenOf(mark);
    const error = new StaleTokenError(
      `The lane "${lane}" of "${generation}" was opened under token ${seen}; with token ${holder.token}, nothing more is landed. Stop this job: another one has its work.`,
      { resource: holder.resource, offered: holder.token, seen, reason: 'lower' },
    );
    this.end(error);
    return error;
  }

  end(error: Error): void {
    this.#ending.abort(error);
  }

  async #openIn(partition: Partition, renewed: string, seen: string): Promise<Opened> {
    const { generation, lane, source, holder, takeOver } = this.#options;
    const { token, issuer } = holder;
    const request = { generation, lane, source, token, issuer, renewed, seen };
    const reply = await partition.call(partition.verbs.open, request);
    switch (reply.word) {
      case 'opened':
        return reply;
      case 'forgot':
        await this.#renew();
        return this.#openIn(partition, reply.detail, seen);
      case 'foreign':
        if (!takeOver) throw this.#foreign(reply.detail);
        return this.#openIn(partition, renewed, reply.detail);
      case 'stale':
        throw this.depose(reply.detail);
      default:
        throw new MisuseError(
          `The generation "${generation}" takes no more rows: it is ${reply.word}. Open the lane again; it then leads to the one that is read.`,
        );
    }
  }

  async #renew(): Promise<void> {
    const { holder, renew, lane } = this.#options;
    if (renew === undefined) {
      throw new MisuseError(
        `The server may have forgotten who owns the lane "${lane}", and the holder of ${holder.resource} cannot be asked whether it still does. Open the lane with a lease, or give "renew", which renews the right at its issuer.`,
      );
    }
    await renew();
    if (!holder.signal?.aborted) return;
    const { resource, token } = holder;
    throw new LeaseLostError(
      `The right to ${resource} has ended; the lane "${lane}" is not opened again.`,
      { resource, token },
      { cause: holder.signal.reason },
    );
  }

  #foreign(mark: string): IssuerMismatchError {
    const { holder, lane } = this.#options;
    const expected = mark.split(' ').slice(4).join(' ');
    return new IssuerMismatchError(
      `The lane "${lane}" is written under tokens of ${expected}, which those of ${holder.issuer} cannot be compared with. Let its holder stop, then open the lane with takeOver: true.`,
      { resource: holder.resource, issuer: holder.issuer, expected },
    );
  }
}

/** How a holder renews its right, if it can, as a lease does by `extend`. */
export function renewalOf(holder: LaneHolder): (() => Promise<unknown>) | undefined {
  const { extend } = holder as { readonly extend?: unknown };
  return typeof extend === 'function' ? async () => extend.call(holder) : undefined;
}

const tokenOf = (mark: string): number => Number(mark.split(' ', 1)[0]);

/** Of a mark: how often the lane has gone to another issuer, and how often it was opened. */
export function turnOf(mark: string): { readonly turn: number; readonly instance: number } {
  const [, turn, instance] = mark.split(' ');
  return { turn: Number(turn), instance: Number(instance) };
}
