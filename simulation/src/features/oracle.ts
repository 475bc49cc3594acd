/**
 * Who sees everything that happens to a feature store: at the server, where rows land and generations take each other's
 * place, and in the processes, where they are read.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises.
 */
import type { ReadRow, ViewMeta } from '@holdfast/features';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { World } from '../world/world.js';
import { GenerationsSeen } from './generations.js';
import type { RowHead } from './names.js';
import type { FeaturesPlan } from './plan.js';
import { Rows } from './rows.js';

/** How long pointers are held, and what clocks and a cut's end may add, in microseconds. */
const POINTER_LEASE = 1_100_000;

/** What a row that was written says: its number stands in its values. */
export interface Written {
  readonly user: string;
  /** In ms since 1970. */
  readonly time: number;
}

/** What a process knew when it began to read. */
export interface Reading {
  readonly at: number;
  readonly live: string | undefined;
  readonly rows: ReadonlyMap<string, RowHead | undefined>;
}

export class FeaturesOracle implements Judge {
  readonly violations: Violation[] = [];
  readonly rows: Rows;
  readonly generations: GenerationsSeen;
  reads = 0;
  readonly #world: World<FeaturesPlan>;
  readonly #calls = new Calls();
  readonly #written = new Map<number, Written>();
  #writes = 0;
  /** True time since which the server has forgotten nothing, in microseconds. */
  #remembersSince = 0;

  constructor(world: World<FeaturesPlan>, plan: FeaturesPlan) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    const { server } = world.store;
    this.rows = new Rows({
      ...{ violate, server, history: plan.features.history },
      time: () => world.store.time(),
    });
    this.generations = new GenerationsSeen(world, violate);
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
    this.rows.look(call, reply);
  }

  /** The server is about to forget, or to come back without what it knew last. */
  forgets(): void {
    this.#remembersSince = this.#world.scheduler.now;
    this.generations.forgets();
  }

  /** The server is back, or has just forgotten everything. */
  restarted(): void {
    this.#remembersSince = Math.max(this.#remembersSince, this.#world.scheduler.now);
    this.#reload();
  }

  #reload(): void {
    this.rows.reload();
    this.generations.reload();
  }

  died(): void {
    // What a process has begun, others finish; nothing of it is remembered here.
  }

  /** A row is about to be landed: its number, the next one unless it has one. */
  writes(row: Written, n?: number): number {
    this.#writes += 1;
    const number = n ?? this.#writes;
    this.#written.set(number, row);
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
    return { at: this.#world.scheduler.now, live, rows };
  }

  /** What it was answered for the view of rows; the values have the number of the row. */
  judgeRows(reading: Reading, users: readonly string[], answered: readonly (SeenRow | undefined)[]): void {
    this.reads += 1;
    for (const [index, user] of users.entries()) {
      const row = answered[index];
      this.#judgeFreshness(reading, user, row);
      if (row === undefined) continue;
      const written = this.#written.get(row.n);
      if (written?.user !== user || written.time !== row.time)
        this.violate('R3', `${user} was answered row ${row.n} of ${row.time}, which was never written so`);
      const from = reading.at - POINTER_LEASE;
      const of = this.generations.liveSince('profile', from);
      const isOfOne = of.some((generation) => this.rows.wasAccepted(generation, user, row.time));
      if (!isOfOne && this.#remembersSince <= from)
        this.violate('G1', `${user} was answered ${row.time}, which ${of.join(' and ')} never had`);
    }
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
    if (row === undefined || row.time * 1_000 < least.time)
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
  /** In ms since 1970. */
  readonly time: number;
}

export const seenOf = ({ values, time }: ReadRow): SeenRow | undefined =>
  time === null ? undefined : { n: Number(values['n']), time: time.getTime() };
