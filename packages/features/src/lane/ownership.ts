/**
 * The right of one holder to a lane, or to one of its source partitions, in all partitions of a generation.
 *
 * Guarantees: once `open` has resolved, a holder of a lower token lands nothing in any partition. A lane that another has
 * taken over is deposed: every partition refuses it, and `signal` aborts with a StaleTokenError. Where a partition's server
 * may have forgotten who owns the lane, it is opened there again only after the holder has renewed its right at its issuer,
 * so that a deposed one, which cannot, stays out. A lane that is shared has no holder: those of its source partitions are
 * checked, and whoever opens it as a whole deposes all who share it.
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import { LeaseLostError, MisuseError, type TokenClaim, UnavailableError } from '@holdfast/kernel';
import { GenerationEndedError } from '../errors.js';
import type { Relieve } from '../generation/relief.js';
import type { Partition } from '../store/partition.js';
import type { Opened } from '../store/verbs.js';
import type { Telemetry } from '../telemetry.js';

/** Whoever may write: without a signal, nothing but a refusal tells that its right has ended. */
export type LaneHolder = TokenClaim & { readonly signal?: AbortSignal | undefined };

export interface OwnershipOptions {
  readonly partitions: readonly Partition[];
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  /** A source partition of the lane; '' for the lane itself. */
  readonly source: string;
  /** What the source partition is called where it lies. */
  readonly sourceName?: string;
  /** Undefined for a lane that several processes share. */
  readonly holder: LaneHolder | undefined;
  /** Renews the right of the holder at its issuer; undefined if the holder cannot. */
  readonly renew: (() => Promise<unknown>) | undefined;
  /** Whether a lane that a holder of another issuer has is taken over. */
  readonly takeOver: boolean;
  /** Called where the generation takes no rows for now. */
  readonly relieve: Relieve;
  /**
   * Rejects with MisuseError if rows are not read any more by the definition by which the lane writes them: asked before the
   * lane goes on where it was opened again.
   */
  readonly requireDefinition: () => Promise<void>;
  readonly telemetry: Telemetry;
}

/** The source partition that a right is for, and the holder of it if that is not the holder of the lane. */
export interface SourceRight {
  readonly number: number;
  readonly name: string;
  readonly holder?: LaneHolder | undefined;
}

/** What opening has come to: the epoch that the right was renewed for, the mark of another issuer that is taken over. */
interface Asked {
  readonly renewed: string;
  readonly seen: string;
  readonly isRelieved: boolean;
}

const NOTHING: Asked = { renewed: '', seen: '', isRelieved: false };

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #ending = new AbortController();
  /** By the numbers of the partitions. */
  readonly #opened: (Opened | undefined)[] = [];
  readonly #reopening = new Map<number, Promise<void>>();
  #renewal: Promise<void> = Promise.resolve();
  #nextRenewal: Promise<void> | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** The right to a source partition of the lane, not opened yet: of the same holder, or of another. */
  ofSource({ number, name, holder }: SourceRight): Ownership {
    const options = { ...this.#options, source: String(number), sourceName: name };
    return new Ownership(holder === undefined ? options : { ...options, holder, renew: renewalOf(holder) });
  }

  get isShared(): boolean {
    return this.#options.holder === undefined;
  }

  /** Aborts when the lane is deposed, or its generation has ended. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Throws StaleTokenError, IssuerMismatchError, LeaseLostError, GenerationEndedError, MisuseError for another source than the
   * lane has, UnavailableError.
   */
  async open(): Promise<void> {
    const [first, ...others] = this.#options.partitions as readonly [Partition, ...Partition[]];
    // What is refused in one partition is refused in all: then nothing has changed in the others.
    const opened = await this.#openIn(first);
    const all = [opened, ...(await Promise.all(others.map((each) => this.#openIn(each))))];
    for (const [place, { number }] of this.#options.partitions.entries()) this.#opened[number] = all[place];
  }

  markIn(partition: number): string {
    return this.#opened[partition]?.mark ?? '';
  }

  /** How far the source has been taken in there, as it was when the lane was opened. */
  offsetIn(partition: number): string {
    return this.#opened[partition]?.offset ?? '';
  }

  /**
   * Opens the lane again in a partition that does not know the mark that it was shown. One at a time for each partition, and
   * only if the mark is still the last one: another call may have opened the lane meanwhile.
   */
  reopen(partition: Partition, shown: string): Promise<void> {
    const { number } = partition;
    if (this.markIn(number) !== shown) return Promise.resolve();
    const present =
      this.#reopening.get(number) ?? this.#openAgain(partition).finally(() => this.#reopening.delete(number));
    this.#reopening.set(number, present);
    return present;
  }

  async #openAgain(partition: Partition): Promise<void> {
    const opened = await this.#openIn(partition);
    try {
      await this.#options.requireDefinition();
    } catch (error) {
      if (error instanceof MisuseError) this.end(error);
      throw error;
    }
    this.#opened[partition.number] = opened;
  }

  /** Looks after a partition in which the generation takes no rows for now: whoever closed it may have died. */
  relieve(partition: Partition): Promise<void> {
    return this.#options.relieve(partition);
  }

  /** Ends the lane: another holder has it. */
  depose(mark: string): StaleTokenError {
    const { lane, generation, telemetry } = this.#options;
    const [view = ''] = generation.split('.', 1);
    const error = telemetry.refused('lane', this.#stale(mark), { view, lane });
    this.end(error);
    return error;
  }

  end(error: Error): void {
    this.#ending.abort(error);
  }

  async #openIn(partition: Partition, { isRelieved, ...asked }: Asked = NOTHING): Promise<Opened> {
    const { generation, lane, source, sourceName = '', holder, takeOver } = this.#options;
    const token = holder?.token ?? ('' as const);
    const issuer = holder?.issuer ?? '';
    const isNew = this.#options.renew === undefined && this.markIn(partition.number) === '';
    const request = { generation, lane, source, token, issuer, ...asked, name: sourceName, isNew };
    const reply = await partition.call(partition.verbs.open, request);
    switch (reply.word) {
      case 'opened':
        return reply;
      case 'forgot':
        await this.#renew();
        return this.#openIn(partition, { ...asked, isRelieved, renewed: reply.detail });
      case 'foreign':
        if (!takeOver) throw this.#foreign(reply.detail);
        // Where it was ours before, whoever took it over since has it for good.
        if (turnOf(reply.detail).turn > turnOf(this.markIn(partition.number)).turn)
          throw this.depose(reply.detail);
        return this.#openIn(partition, { ...asked, isRelieved, seen: reply.detail });
      case 'stale':
        throw this.depose(reply.detail);
      case 'other':
        throw new MisuseError(
          `The lane "${lane}" of "${generation}" follows ${reply.detail} as partition ${source} of its source, not ${sourceName}. Give that one the same place again, or follow the other source in another lane.`,
        );
      case 'pushed':
        throw new MisuseError(
          `Rows were landed in the lane "${lane}" of "${generation}" without a source, so it cannot follow one; follow it in another lane.`,
        );
      case 'retired':
        throw new GenerationEndedError(lane, generation);
      default:
        if (isRelieved) throw closedError(generation, partition.number);
        await this.relieve(partition);
        return this.#openIn(partition, { ...asked, isRelieved: true });
    }
  }

  /**
   * Renews the right: what counts is that this begins after a partition has said that it may have forgotten. So those that
   * say so while it is renewed wait for another renewal, all for the same.
   */
  #renew(): Promise<void> {
    this.#nextRenewal ??= this.#renewal
      .catch(() => {})
      .then(() => {
        this.#nextRenewal = undefined;
        this.#renewal = this.#renewNow();
        return this.#renewal;
      });
    return this.#nextRenewal;
  }

  async #renewNow(): Promise<void> {
    const { holder, renew, lane } = this.#options;
    if (renew === undefined) {
      throw new MisuseError(
        `The server may have forgotten who owns the lane "${lane}", and the holder of ${holder?.resource} cannot be asked whether it still does. Open the lane with a lease, or give "renew", which renews the right at its issuer.`,
      );
    }
    await renew();
    if (!holder?.signal?.aborted) return;
    const { resource, token } = holder;
    throw new LeaseLostError(
      `The right to ${resource} has ended; the lane "${lane}" is not opened again.`,
      { resource, token },
      { cause: holder.signal.reason },
    );
  }

  #stale(mark: string): StaleTokenError {
    const { holder, lane, source, generation } = this.#options;
    const seen = Number(mark.split(' ', 1)[0]);
    const { token = 0, resource = lane } = holder ?? {};
    const what = source === '' ? 'The lane' : `Partition ${source} of the source of the lane`;
    const how = holder === undefined ? 'sharing it' : `with token ${token}`;
    return new StaleTokenError(
      `${what} "${lane}" of "${generation}" was opened under token ${seen}; ${how}, nothing more is landed. Stop this job: another one has its work.`,
      { resource, offered: token, seen, reason: 'lower' },
    );
  }

  #foreign(mark: string): IssuerMismatchError {
    const { holder, lane } = this.#options;
    const { resource = '', issuer = '' } = holder ?? {};
    const expected = mark.split(' ').slice(4).join(' ');
    return new IssuerMismatchError(
      `The lane "${lane}" is written under tokens of ${expected}, which those of ${issuer} cannot be compared with. Let its holder stop, then open the lane with takeOver: true.`,
      { resource, issuer, expected },
    );
  }
}

/**
 * How a holder renews its right, if it can, as a lease does by `extend`. Twice: the first may be answered by an extension that
 * was under way before it was asked for, which proves nothing about the time since.
 */
export function renewalOf(holder: LaneHolder): (() => Promise<unknown>) | undefined {
  const { extend } = holder as { readonly extend?: unknown };
  if (typeof extend !== 'function') return undefined;
  return async () => {
    await extend.call(holder);
    await extend.call(holder);
  };
}

/** Of a mark: how often the lane has gone to another issuer, and how often it was opened. */
export function turnOf(mark: string): { readonly turn: number; readonly instance: number } {
  const [, turn = Infinity, instance] = mark.split(' ');
  return { turn: Number(turn), instance: Number(instance) };
}

/** The generation is being replaced, and that takes long. */
export function closedError(generation: string, partition: number): UnavailableError {
  return new UnavailableError(`The generation "${generation}" takes no rows for now. Try again.`, [
    { node: `partition ${partition}`, reason: 'it is being replaced' },
  ]);
}
