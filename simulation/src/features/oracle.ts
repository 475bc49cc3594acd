/**
 * Who sees everything that happens to a feature store: at the server, where rows land and generations take each other's
 * place, and in the processes, where they are read.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises.
 */
import type { Generation, NullReason, Pin, ReadRow, ViewMeta } from '@holdfast/features';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { World } from '../world/world.js';
import type { Edition } from './definitions.js';
import { ErasuresSeen } from './erasures.js';
import { GenerationsSeen } from './generations.js';
import { type RowHead, USERS } from './names.js';
import type { FeaturesPlan } from './plan.js';
import { Rows } from './rows.js';

/** How long pointers are held, and what clocks and a cut's end may add, in microseconds. */
const POINTER_LEASE = 1_100_000;

/** How far the server's time by which a read was judged may be from that at its begin or end, in ms. */
const EDGE = 500;

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
  /** By the server's clock, in ms since 1970. */
  readonly time: number;
  readonly live: string | undefined;
  readonly rows: ReadonlyMap<string, RowHead | undefined>;
}

/** What another generation lacks of the one that is read. */
interface Comparison {
  readonly at: number;
  readonly live: string;
  readonly absent: readonly string[];
}

export class FeaturesOracle implements Judge {
  readonly violations: Violation[] = [];
  readonly rows: Rows;
  readonly generations: GenerationsSeen;
  readonly erasures: ErasuresSeen;
  reads = 0;
  readonly #world: World<FeaturesPlan>;
  readonly #calls = new Calls();
  readonly #ttl: number;
  readonly #written = new Map<number, Written>();
  /** Numbers of rows that the second edition has written. */
  readonly #doubled = new Set<number>();
  /** Those that the first one has. */
  readonly #single = new Set<number>();
  /** Those that were applied since the server has last forgotten something. */
  readonly #applied = new Set<Edition>();
  #writes = 0;
  /** True time since which the server has forgotten nothing, in microseconds. */
  #remembersSince = 0;

  constructor(world: World<FeaturesPlan>, plan: FeaturesPlan) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    const { server } = world.store;
    this.#ttl = plan.features.ttl ?? Number.POSITIVE_INFINITY;
    this.erasures = new ErasuresSeen({ violate, server, now: () => this.now });
    this.rows = new Rows({
      ...{ violate, server, history: plan.features.history, erasures: this.erasures },
      time: () => world.store.time(),
    });
    this.generations = new GenerationsSeen(world, violate);
  }

  /** True time, in microseconds. */
  get now(): number {
    return this.#world.scheduler.now;
  }

  violate(rule: string, message: string): void {
    this.#world.note('VIOLATION', `${rule}: ${message}`);
    this.violations.push({ rule, message });
  }

  /** The server has carried out a command. */
  look(command: Command, reply: unknown): void {
    if (command.name === 'FLUSHALL') this.#reload();
    const call = this.#calls.read(command);
    if (call === undefined || !Array.isArray(reply)) return;
    this.generations.look(call, reply);
    this.erasures.look(call, reply);
    this.rows.look(call, reply);
  }

  /** The server is about to forget, or to come back without what it knew last. */
  forgets(): void {
    this.#remembersSince = this.now;
    this.#applied.clear();
    this.generations.forgets();
    this.erasures.forgets();
  }

  /** The server is back, or has just forgotten everything. */
  restarted(): void {
    this.#remembersSince = Math.max(this.#remembersSince, this.now);
    this.#reload();
  }

  #reload(): void {
    this.rows.reload();
    this.generations.reload();
    this.erasures.reload();
  }

  isApplied(edition: Edition): void {
    this.#applied.add(edition);
  }

  /** An edition can write no rows, whatever it does. */
  isShutOut(edition: Edition): void {
    if (this.#applied.has(edition)) this.violate('D1', `edition ${edition} was applied, and cannot write any more`);
  }

  /** All is done, and nothing is under way. */
  judgeEnd(): void {
    this.rows.judgeTotals(() => true);
    for (const [user, isErased] of this.erasures.noted()) if (isErased) this.erasures.requireGone(user);
  }

  died(): void {
    // What a process has begun, others finish; nothing of it is remembered here.
  }

  /** A row is about to be landed: its number, the next one unless it has one. */
  writes(row: Written, n?: number): number {
    this.#writes += 1;
    const number = n ?? this.#writes;
    this.#written.set(number, row);
    (row.edition === 2 ? this.#doubled : this.#single).add(number);
    return number;
  }

  /** A process is about to read. */
  beginsToRead(users: readonly string[]): Reading {
    const live = this.generations.live('profile');
    const rows = new Map(
      users.map(
        (user) => [user, live === undefined ? undefined : this.rows.rowOf(`profile.${live}`, user)] as const,
      ),
    );
    return { at: this.now, time: this.#world.store.time() / 1_000, live, rows };
  }

  /** A process is about to read generations that it keeps. */
  beginsToReadPinned(users: readonly string[], { generations }: Pin): Reading {
    const reading = this.beginsToRead(users);
    const kept = generations.get('profile');
    if (kept === undefined) return reading;
    return { ...reading, rows: new Map(users.map((user) => [user, this.rows.rowOf(`profile.${kept}`, user)])) };
  }

  /** What it was answered of the generations that it keeps. */
  judgePinned(reading: Reading, { generations, until }: Pin, answers: readonly SeenMeta[]): void {
    if (this.#remembersSince > reading.at - POINTER_LEASE) return;
    if (until.getTime() < reading.time - EDGE)
      this.violate('V2', `generations were answered that were kept until ${until.toISOString()}`);
    for (const { user, views } of answers) {
      for (const [view, kept] of generations) {
        const { generation } = views[view as 'profile'];
        if (generation !== kept) this.violate('V2', `${generation} of ${view} was answered, not ${kept}`);
        if (this.generations.sweptAt(`${view}.${kept}`) < reading.at)
          this.violate('V2', `${kept} of ${view} was answered, which had been swept`);
      }
      const [least, { time }] = [reading.rows.get(user), views.profile];
      const isTouched = this.erasures.touchedAt(user) >= reading.at;
      if (!generations.has('profile') || least === undefined || isTouched) continue;
      if (time === null || time.getTime() * 1_000 < least.time)
        this.violate('R1', `${user} was answered ${time?.getTime()}, although ${least.time} had been landed`);
    }
  }

  /** Users whose row in the generation that is read another one lacks. */
  beginsToCompare({ view, id }: Generation): Comparison {
    const live = this.generations.live(view) ?? '';
    const has = (generation: string, user: string): boolean => {
      const row = this.rows.rowOf(`${view}.${generation}`, user);
      return row !== undefined && row.time / 1_000 + this.#ttl > this.#world.store.time() / 1_000 + EDGE;
    };
    const absent = USERS.filter((user) => has(live, user) && this.rows.rowOf(`${view}.${id}`, user) === undefined);
    return { at: this.now, live, absent };
  }

  /** A process was told how many rows a generation lacks. */
  judgeReadiness(generation: Generation, before: Comparison, missing: number): void {
    const after = this.beginsToCompare(generation);
    if (this.#remembersSince > before.at || after.live !== before.live) return;
    const absent = before.absent.filter((user) => after.absent.includes(user));
    if (generation.view === 'profile' && absent.length > missing)
      this.violate('V5', `${generation.id} lacks ${absent.join(', ')}; said was: ${missing} rows`);
  }

  /** What it was answered for the view of rows; the values have the number of the row. */
  judgeRows(reading: Reading, users: readonly string[], answered: readonly (SeenRow | undefined)[]): void {
    this.reads += 1;
    for (const [index, user] of users.entries()) {
      const row = answered[index];
      this.#judgeFreshness(reading, user, row);
      if (row !== undefined && this.erasures.isSettled(user, reading.at))
        this.violate('X1', `${user} was answered ${row.time}, although it is erased`);
      if (row?.reason === 'torn') this.violate('R3', `${user} was answered that a row is torn, which is whole`);
      if (row === undefined || row.reason !== undefined) continue;
      this.#judgeValues(user, row);
      if (row.time + this.#ttl < reading.time - EDGE)
        this.violate('R2', `${user} was answered ${row.time}, long past its TTL`);
      const from = reading.at - POINTER_LEASE;
      const of = this.generations.liveSince('profile', from);
      const isOfOne = of.some((generation) => this.rows.wasAccepted(generation, user, row.time));
      if (!isOfOne && this.#remembersSince <= from)
        this.violate('G1', `${user} was answered ${row.time}, which ${of.join(' and ')} never had`);
    }
  }

  #judgeValues(user: string, { n, twice, time }: SeenRow): void {
    const written = this.#written.get(n);
    if (written?.user !== user || written.time !== time)
      this.violate('R3', `${user} was answered row ${n} of ${time}, which was never written so`);
    const isOfOne = twice === null ? this.#single.has(n) : twice === 2 * n && this.#doubled.has(n);
    if (twice !== undefined && !isOfOne)
      this.violate('R3', `${user} was answered ${twice} as twice ${n}, which was never written so`);
  }

  /** The generations of which an answer says that it is. */
  judgeMeta(reading: Reading, answers: readonly SeenMeta[]): void {
    for (const view of ['profile', 'counts'] as const) {
      const names = new Set(answers.map(({ views }) => views[view].generation));
      if (names.size > 1) this.violate('G3', `one answer is of ${[...names].join(' and ')} of ${view}`);
      for (const name of names) this.#requireLive(reading, `${view}.${name}`);
    }
    for (const { user, views } of answers) {
      const { time, generation } = views.profile;
      const from = reading.at - POINTER_LEASE;
      if (this.#remembersSince > from) continue;
      if (!this.generations.wereTogether([generation, views.counts.generation], from))
        this.violate(
          'G3',
          `an answer is of ${generation} and ${views.counts.generation}, never read together`,
        );
      if (time === null) continue;
      if (!this.rows.wasAccepted(`profile.${generation}`, user, time.getTime()))
        this.violate('G3', `an answer of ${generation} has ${time.getTime()} of ${user}, which it never had`);
    }
  }

  /** Live at some time from a lease before the read, and not swept before it. */
  #requireLive({ at }: Reading, generation: string): void {
    const from = at - POINTER_LEASE;
    if (this.#remembersSince > from) return;
    const [view = ''] = generation.split('.', 1);
    if (!this.generations.liveSince(view, from).includes(generation))
      this.violate('G1', `an answer comes from ${generation}, which was not read any more`);
    if (this.generations.sweptAt(generation) < at)
      this.violate('G1', `an answer comes from ${generation}, which had been swept`);
  }

  /** What was landed in the generation that is live, before the read began, is seen by it. */
  #judgeFreshness({ at, live, rows }: Reading, user: string, row: SeenRow | undefined): void {
    const least = rows.get(user);
    const isSteady =
      this.#remembersSince < at - POINTER_LEASE && this.generations.changedAt < at - POINTER_LEASE;
    if (live === undefined || least === undefined || !isSteady) return;
    if (this.erasures.touchedAt(user) >= at) return;
    const isOver = least.time / 1_000 + this.#ttl < this.#world.store.time() / 1_000 + EDGE;
    if (!isOver && (row === undefined || row.time * 1_000 < least.time))
      this.violate('R1', `${user} was answered ${row?.time}, although ${least.time} had been landed`);
  }
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
