/**
 * What readers are answered, judged when they are.
 *
 * Guarantees: an answer has what was landed before the read began, or before the age that a cache may have; it is of one
 * generation of each view, which was live, or kept, and has rows that were written so. What a read says about its place in the
 * log is where it has seen these rows.
 */
import type { NullReason, Pin, ReadRow, ViewMeta } from '@holdfast/features';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import type { ErasuresSeen } from './erasures.js';
import type { GenerationsSeen } from './generations.js';
import type { Edition, RowHead } from './names.js';
import type { FeaturesPlan } from './plan.js';
import type { Rows } from './rows.js';

/** How long pointers are held, and what clocks and a cut's end may add, in microseconds. */
const POINTER_LEASE = 1_100_000;

/** How far the server's time by which a read was judged may be from that at its begin or end, in ms. */
const EDGE = 500;

/** How much longer a second of a process may be than one of true time. */
const DRIFT = 1.005;

/** What a row that was written says: its number stands in its values. */
export interface Written {
  readonly user: string;
  /** In ms since 1970. */
  readonly time: number;
  readonly edition: Edition;
}

/** What a process knew when it began to read. */
export interface Reading {
  readonly at: number;
  /** Since when what is answered may have been read, in microseconds: earlier than `at` where a cache answers. */
  readonly since: number;
  /** By the server's clock, in ms since 1970. */
  readonly time: number;
  readonly live: string | undefined;
  readonly rows: ReadonlyMap<string, RowHead | undefined>;
}

/** Of which rows an answer about a user is made. */
export interface SeenMeta {
  readonly user: string;
  readonly views: { readonly profile: ViewMeta; readonly counts: ViewMeta };
}

/** A row as it was answered. */
export interface SeenRow {
  readonly n: number;
  /** Undefined for the first edition, which does not ask for it. */
  readonly twice: number | null | undefined;
  /** In ms since 1970. */
  readonly time: number;
  /** Why it has no values. */
  readonly reason: NullReason | undefined;
}

/** Undefined for one that is missing. */
export function seenOf({ values, time, reason }: ReadRow): SeenRow | undefined {
  if (reason === 'missing') return undefined;
  const { n, twice } = values as { readonly n: number; readonly twice?: number | null };
  return { n, twice, time: time?.getTime() ?? 0, reason };
}

interface AnswersOptions {
  readonly world: World<FeaturesPlan>;
  readonly violate: Violate;
  readonly rows: Rows;
  readonly generations: GenerationsSeen;
  readonly erasures: ErasuresSeen;
  /** True time since which the server has forgotten nothing, in microseconds. */
  readonly remembersSince: () => number;
}

export class Answers {
  judged = 0;
  readonly #options: AnswersOptions;
  readonly #ttl: number;
  readonly #written = new Map<number, Written>();
  /** Numbers of rows that each edition has written. */
  readonly #numbers: Readonly<Record<Edition, Set<number>>> = { 1: new Set(), 2: new Set() };

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#ttl = options.world.plan.features.ttl ?? Number.POSITIVE_INFINITY;
  }

  /** By the server's clock, in ms since 1970. */
  get #time(): number {
    return this.#options.world.store.time() / 1_000;
  }

  writes(row: Written, n: number): void {
    this.#written.set(n, row);
    this.#numbers[row.edition].add(n);
  }

  /** A process is about to read, where a cache may answer what is as old as this, in ms by its clock. */
  begins(users: readonly string[], age: number): Reading {
    const live = this.#options.generations.live('profile');
    const at = this.#options.world.scheduler.now;
    const since = age === 0 ? at : at - 1_000 * (DRIFT * age + 1);
    return { at, since, time: this.#time, live, rows: this.#rowsOf(live, users, since) };
  }

  /** A process is about to read generations that it keeps. */
  beginsPinned(users: readonly string[], { generations }: Pin): Reading {
    const reading = this.begins(users, 0);
    return { ...reading, rows: this.#rowsOf(generations.get('profile'), users, reading.at) };
  }

  /** Whether a row is still served, by a margin. */
  isServed(row: RowHead | undefined): boolean {
    return row !== undefined && row.time / 1_000 + this.#ttl > this.#time + EDGE;
  }

  /**
   * What it was answered for the view of rows; the values have the number of the row. `generation` is the one that the answer says
   * that it is of, if it says so.
   */
  judgeRows(
    reading: Reading,
    users: readonly string[],
    answered: readonly (SeenRow | undefined)[],
    generation?: string,
  ): void {
    this.judged += 1;
    const { rows, generations, erasures, violate, remembersSince } = this.#options;
    for (const [index, user] of users.entries()) {
      const row = answered[index];
      this.#judgeFreshness(reading, user, row, generation);
      if (row !== undefined && erasures.isSettled(user, reading.since))
        violate('X1', `${user} was answered ${row.time}, although it is erased`);
      // A program may read rows by the definition that it read before the server came back with what it had known long before.
      if (row?.reason === 'torn' && remembersSince() <= reading.at - POINTER_LEASE)
        violate('R3', `${user} was answered that a row is torn, which is whole`);
      if (row === undefined || row.reason !== undefined) continue;
      this.#judgeValues(user, row);
      if (row.time + this.#ttl < reading.time - EDGE)
        violate('R2', `${user} was answered ${row.time}, long past its TTL`);
      const from = reading.at - POINTER_LEASE;
      const of = generations.liveSince('profile', from);
      const isOfOne = of.some((generation) => rows.wasAccepted(generation, user, row.time));
      if (!isOfOne && remembersSince() <= Math.min(from, reading.since))
        violate('G1', `${user} was answered ${row.time}, which ${of.join(' and ')} never had`);
    }
  }

  /** The generations of which an answer says that it is, and the places. */
  judgeMeta(reading: Reading, answers: readonly SeenMeta[]): void {
    const { rows, generations, violate, remembersSince } = this.#options;
    for (const view of ['profile', 'counts'] as const) {
      const names = new Set(answers.map(({ views }) => views[view].generation));
      if (names.size > 1) violate('G3', `one answer is of ${[...names].join(' and ')} of ${view}`);
      for (const name of names) this.#requireLive(reading, `${view}.${name}`);
    }
    for (const { user, views } of answers) {
      const { time, generation } = views.profile;
      const from = reading.at - POINTER_LEASE;
      if (remembersSince() > Math.min(from, reading.since)) continue;
      if (!generations.wereTogether([generation, views.counts.generation], from))
        violate('G3', `an answer is of ${generation} and ${views.counts.generation}, never read together`);
      this.#judgePlace(user, views.profile);
      if (time === null) continue;
      if (!rows.wasAccepted(`profile.${generation}`, user, time.getTime()))
        violate('G3', `an answer of ${generation} has ${time.getTime()} of ${user}, which it never had`);
    }
  }

  /** What an answer says of how old it is, at the most. */
  judgeAges({ at }: Reading, answers: readonly SeenMeta[]): void {
    const { now } = this.#options.world.scheduler;
    for (const { user, views } of answers) {
      const { time, reason, readAge, generation } = views.profile;
      const since = now - 1_000 * (DRIFT * readAge + 5);
      if (this.#options.remembersSince() >= Math.min(since, at - POINTER_LEASE)) continue;
      const least = this.#options.rows.rowOf(`profile.${generation}`, user, since);
      if (least === undefined || this.#options.erasures.touchedAt(user) >= since || !this.isServed(least))
        continue;
      if (reason === 'missing' || (time !== null && time.getTime() * 1_000 < least.time))
        this.#options.violate(
          'R4',
          `${user} was answered ${time?.getTime()}, said to be ${readAge} ms old, although ${least.time} had been landed`,
        );
    }
  }

  /** What was there when the read began is not missing, whoever answers. */
  judgeMissing({ at }: Reading, answers: readonly SeenMeta[]): void {
    const { erasures, violate, remembersSince, rows } = this.#options;
    if (remembersSince() >= at - POINTER_LEASE) return;
    for (const { user, views } of answers) {
      const { reason, generation } = views.profile;
      const there = rows.rowOf(`profile.${generation}`, user, at);
      if (reason === 'missing' && there !== undefined && erasures.touchedAt(user) < at)
        violate('R1', `${user} was answered as missing, although ${there.time} had been landed`);
    }
  }

  /** What it was answered of the generations that it keeps. */
  judgePinned(reading: Reading, { generations, until }: Pin, answers: readonly SeenMeta[]): void {
    const { erasures, violate, remembersSince } = this.#options;
    if (remembersSince() > reading.at - POINTER_LEASE) return;
    if (until.getTime() < reading.time - EDGE)
      violate('V2', `generations were answered that were kept until ${until.toISOString()}`);
    for (const { user, views } of answers) {
      for (const [view, kept] of generations) {
        const { generation } = views[view as 'profile'];
        if (generation !== kept) violate('V2', `${generation} of ${view} was answered, not ${kept}`);
        if (this.#options.generations.sweptAt(`${view}.${kept}`) < reading.at)
          violate('V2', `${kept} of ${view} was answered, which had been swept`);
      }
      const [least, { time }] = [reading.rows.get(user), views.profile];
      if (!generations.has('profile') || least === undefined || erasures.touchedAt(user) >= reading.at)
        continue;
      if (time === null || time.getTime() * 1_000 < least.time)
        violate('R1', `${user} was answered ${time?.getTime()}, although ${least.time} had been landed`);
    }
  }

  #rowsOf(
    generation: string | undefined,
    users: readonly string[],
    since: number,
  ): ReadonlyMap<string, RowHead | undefined> {
    const { rows } = this.#options;
    const of = (user: string): RowHead | undefined =>
      generation === undefined ? undefined : rows.rowOf(`profile.${generation}`, user, since);
    return new Map(users.map((user) => [user, of(user)]));
  }

  #judgeValues(user: string, { n, twice, time }: SeenRow): void {
    const { violate } = this.#options;
    const written = this.#written.get(n);
    if (written?.user !== user || written.time !== time)
      violate('R3', `${user} was answered row ${n} of ${time}, which was never written so`);
    const isOfOne = twice === null ? this.#numbers[1].has(n) : twice === 2 * n && this.#numbers[2].has(n);
    if (twice !== undefined && !isOfOne)
      violate('R3', `${user} was answered ${twice} as twice ${n}, which was never written so`);
  }

  /** Live at some time from a lease before the read, and not swept before it. */
  #requireLive({ at, since }: Reading, generation: string): void {
    const { generations, violate, remembersSince } = this.#options;
    const from = at - POINTER_LEASE;
    if (remembersSince() > Math.min(from, since)) return;
    const [view = ''] = generation.split('.', 1);
    if (!generations.liveSince(view, from).includes(generation))
      violate('G1', `an answer comes from ${generation}, which was not read any more`);
    if (generations.sweptAt(generation) < at)
      violate('G1', `an answer comes from ${generation}, which had been swept`);
  }

  /** What was landed before the read began, in the generation that has answered or else in the one that is live, is seen by it. */
  #judgeFreshness(
    { at, since, live, rows }: Reading,
    user: string,
    row: SeenRow | undefined,
    generation: string | undefined,
  ): void {
    const { generations, erasures, violate, remembersSince } = this.#options;
    if (remembersSince() >= Math.min(since, at - POINTER_LEASE)) return;
    const isSteady = live !== undefined && generations.changedAt < at - POINTER_LEASE;
    if (generation === undefined && !isSteady) return;
    const least =
      generation === undefined
        ? rows.get(user)
        : this.#options.rows.rowOf(`profile.${generation}`, user, since);
    if (least === undefined) return;
    if (erasures.touchedAt(user) >= since || !this.isServed(least)) return;
    if (row === undefined || row.reason !== undefined || row.time * 1_000 < least.time)
      violate('R1', `${user} was answered ${row?.time}, although ${least.time} had been landed`);
  }

  /** The row that was answered is the one that stood there at this place of the log. */
  #judgePlace(user: string, { place, time, generation }: ViewMeta): void {
    const { rows, generations, erasures, violate, world } = this.#options;
    const isComparable = place !== undefined && world.plan.features.history;
    if (!isComparable || erasures.touchedAt(user) >= 0) return;
    if (generations.sweptAt(`profile.${generation}`) < Number.POSITIVE_INFINITY) return;
    const there = rows.rowAt(place, `profile.${generation}`, user);
    if (there === 'unknown' || there?.time === (time === null ? undefined : time.getTime() * 1_000)) return;
    violate('T1', `${user} was answered ${time?.getTime()} at ${place.at}, where ${there?.time} was`);
  }
}
