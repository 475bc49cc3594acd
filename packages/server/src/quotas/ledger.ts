/**
 * The ledger of quotas in Redis: what each subject has stored and holds, counted for all replicas together.
 *
 * Guarantees: a thing is counted in the step that looks at the limit, before it is stored, and not again if it is counted
 * already; all that are asked for or none. Nothing is taken off but by the stamp with which it was seen, so a thing that is stored
 * again meanwhile stays counted. Without Redis, every call rejects with UnavailableError.
 */
import { OwnScripts, type Place } from '../own-scripts.js';
import type { StoredKind } from './limits.js';

const SCRIPTS = ['quota-reserve', 'quota-settle', 'quota-oldest', 'quota-hold'] as const;

/** Something that is about to be stored. */
export interface Item {
  /** The same for the same thing. */
  readonly thing: string;
  readonly bytes: number;
}

/** A limit stands in the way. */
export interface Full {
  readonly full: 'count' | 'bytes';
  readonly used: number;
}

export interface Reserved {
  readonly stamp: string;
  /** Those that were not counted before. */
  readonly fresh: ReadonlySet<string>;
}

/** What became of a thing: as quota-settle.lua has it. */
export interface Settled {
  readonly thing: string;
  readonly stamp: string;
  readonly fate: 'stored' | 'gone' | 'alive' | 'instead';
  readonly other?: string;
}

export interface Held {
  readonly isFull: boolean;
  readonly held: number;
  /** In how many ms the next one ends, if it is full. */
  readonly next: number;
}

/** For how long a thing may be being written, beyond the time that a call may take; in ms. */
const WRITING = 60_000;

export class Ledger {
  readonly #place: Place;
  readonly #root: string;
  readonly #scripts: OwnScripts<(typeof SCRIPTS)[number]>;

  constructor(place: Place) {
    this.#place = place;
    this.#root = `${place.prefix}{holdfast:server}:quota:`;
    this.#scripts = new OwnScripts(place, SCRIPTS, {
      key: this.#root,
      words: {
        subject: 'The ledger of quotas',
        unknown: 'Repeat the call: what is counted counts once',
        closed: 'create another server',
      },
    });
  }

  /** Counts what is about to be stored. */
  async reserve(
    subject: string,
    kind: StoredKind,
    most: { readonly count: number | undefined; readonly bytes: number | undefined },
    items: readonly Item[],
  ): Promise<Reserved | Full> {
    const pairs = items.flatMap(({ thing, bytes }) => [thing, String(bytes)]);
    const args = [String(most.count ?? ''), String(most.bytes ?? ''), ...pairs];
    const [outcome, stamp, ...rest] = (await this.#scripts.run(
      'quota-reserve',
      this.#keysOf(subject, kind),
      args,
    )) as [string, string, ...string[]];
    if (outcome === 'counted') return { stamp, fresh: new Set(rest) };
    return { full: stamp as Full['full'], used: Number(rest[0]) };
  }

  /** Notes what became of things. Resolves to how many are not counted any more. */
  async settle(subject: string, kind: StoredKind, settled: readonly Settled[]): Promise<number> {
    if (settled.length === 0) return 0;
    const args = settled.flatMap(({ thing, stamp, fate, other = '' }) => [thing, stamp, fate, other]);
    return Number(await this.#scripts.run('quota-settle', this.#keysOf(subject, kind), args));
  }

  /** Things of which nothing was certain for longest, but for those that are being written. */
  async oldest(
    subject: string,
    kind: StoredKind,
    count: number,
  ): Promise<readonly { readonly thing: string; readonly stamp: string }[]> {
    const writing = String((WRITING + this.#place.callTimeout) * 1_000);
    const found = (await this.#scripts.run('quota-oldest', this.#keysOf(subject, kind), [
      String(count),
      writing,
    ])) as string[];
    const things = [];
    for (let at = 0; at < found.length; at += 2)
      things.push({ thing: found[at] ?? '', stamp: found[at + 1] ?? '' });
    return things;
  }

  /** Counts things that are held for `lifetime` ms from now at most, in the place of others. */
  async hold(
    subject: string,
    most: number | undefined,
    lifetime: number,
    { ended = [], held = [] }: { readonly ended?: readonly string[]; readonly held?: readonly string[] },
  ): Promise<Held> {
    const args = [String(most ?? ''), String(Math.ceil(lifetime)), String(ended.length), ...ended, ...held];
    const key = `${this.#root}leases:${encodeURIComponent(subject)}`;
    const [outcome, count, next] = (await this.#scripts.run('quota-hold', [key], args)) as [
      string,
      ...number[],
    ];
    return { isFull: outcome === 'full', held: Number(count), next: Number(next ?? 0) };
  }

  /** Ends its connection. */
  close(): void {
    this.#scripts.close();
  }

  #keysOf(subject: string, kind: StoredKind): readonly string[] {
    const root = `${this.#root}${kind}:${encodeURIComponent(subject)}`;
    return [root, `${root}:writing`, `${root}:bytes`];
  }
}
