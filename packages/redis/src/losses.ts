/**
 * What a follower of streams has lost: entries that were trimmed before it read them, or that the server has forgotten.
 *
 * The entry at which the follower stands is the proof. Streams are trimmed from their beginning, so while that entry is
 * there, nothing behind it was; and a server that forgets loses the latest first, so it has forgotten nothing that the
 * follower has read. Looked at after a read, the entry was there when the read was answered, too.
 *
 * Guarantees: no loss goes unnoticed. Where the entry itself was trimmed or deleted, and nothing behind it, a loss is
 * reported all the same: a log is to be kept for longer than its followers take. Each loss is reported once.
 */
import { reasonOf } from './connection.js';
import { compareIds, mapOf, type StreamEntry, type StreamReader } from './stream-reader.js';

/** Something that a follower will not see, or that it has seen and that is not so any more. */
export interface Loss {
  readonly stream: string;
  /** The id of the entry at which the follower stood. */
  readonly place: string;
  /**
   * "trimmed": entries behind the place may have been removed before they were read. "forgotten": the server does not have
   * what it had given, as after a failover, or somebody deleted the stream; what was added since may be missing, too.
   */
  readonly why: 'trimmed' | 'forgotten';
}

/** Before every entry. */
const BEGINNING = '0-0';

export class Losses {
  readonly #reader: StreamReader;
  readonly #streams: readonly string[];
  /** Places that have no entry, which was reported; one for each stream. */
  readonly #reported: (string | undefined)[];

  constructor(reader: StreamReader, streams: readonly string[]) {
    this.#reader = reader;
    this.#streams = streams;
    this.#reported = streams.map(() => undefined);
  }

  /** What was lost at or behind `places`, and from where to go on. Rejects when the server cannot be asked. */
  async at(
    places: readonly string[],
  ): Promise<{ readonly losses: readonly Loss[]; readonly places: readonly string[] }> {
    const found = await Promise.all(places.map((place, index) => this.#look(index, place)));
    return { losses: found.flatMap(({ loss }) => loss ?? []), places: found.map(({ next }) => next) };
  }

  async #look(index: number, place: string): Promise<{ readonly loss?: Loss; readonly next: string }> {
    const stream = this.#streams[index] ?? '';
    if (place === BEGINNING) return { next: place };
    const entries = (await this.#reader.ask('XRANGE', [stream, place, place])) as readonly unknown[];
    if (entries.length > 0) return { next: place };
    const { first, last } = await this.#state(stream);
    const isBehind = compareIds(last, place) < 0;
    if (!isBehind && this.#reported[index] === place) return { next: place };
    const next = isBehind ? last : place;
    this.#reported[index] = next;
    const hasOlder = first !== undefined && compareIds(first, place) < 0;
    return { loss: { stream, place, why: isBehind || hasOlder ? 'forgotten' : 'trimmed' }, next };
  }

  /** The ids of the oldest entry, and of the latest that the stream has ever had. */
  async #state(stream: string): Promise<{ readonly first: string | undefined; readonly last: string }> {
    try {
      const state = mapOf(await this.#reader.ask('XINFO', ['STREAM', stream]));
      const first = state.get('first-entry') as StreamEntry | null | undefined;
      return { first: first?.[0], last: String(state.get('last-generated-id')) };
    } catch (error) {
      if (/no such key/.test(reasonOf(error))) return { first: undefined, last: BEGINNING };
      throw error;
    }
  }
}
