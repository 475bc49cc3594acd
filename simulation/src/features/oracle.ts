/**
 * Who sees everything that happens to a feature store: at the server, where rows land and generations take each other's
 * place, and in the processes, where they are read.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises.
 */
import type { Generation } from '@holdfast/features';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { Disk } from '../world/disk.js';
import type { World } from '../world/world.js';
import { Answers, type Written } from './answers.js';
import { ErasuresSeen } from './erasures.js';
import { ExportsSeen } from './exports.js';
import { FlagsSeen } from './flags.js';
import { GenerationsSeen } from './generations.js';
import type { Edition } from './names.js';
import { PARTITIONS, partitionKey, type RowHead, USERS } from './names.js';
import type { FeaturesPlan } from './plan.js';
import { Rows } from './rows.js';
import { Servers } from './servers.js';

/** Of the lane of batches. */
const BATCH_RANK = 20;

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
  readonly answers: Answers;
  readonly flags: FlagsSeen;
  readonly exports: ExportsSeen;
  readonly #world: World<FeaturesPlan>;
  readonly #calls = new Calls();
  /** The edition that was applied first: all later definitions, of every generation, follow from it. */
  #first: Edition | undefined;
  #writes = 0;
  /** True time since which the server has forgotten nothing, in microseconds. */
  #remembersSince = 0;

  constructor(world: World<FeaturesPlan>, plan: FeaturesPlan, disk: Disk) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    const server = new Servers(world as never);
    this.erasures = new ErasuresSeen({ violate, server, now: () => this.now });
    this.exports = new ExportsSeen({ violate, server, disk, erasures: this.erasures });
    this.rows = new Rows({
      ...{ violate, server, history: plan.features.history, erasures: this.erasures, exports: this.exports },
      ...{ time: (partition) => server.timeOf(partitionKey(partition, '')), now: () => this.now },
    });
    this.flags = new FlagsSeen({ violate, server, now: () => this.now, partitions: PARTITIONS });
    this.generations = new GenerationsSeen(world, violate);
    const { rows, generations, erasures } = this;
    this.answers = new Answers({
      ...{ world, violate, rows, generations, erasures, remembersSince: () => this.#remembersSince },
    });
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
    const isFirst = call.verb === 'apply' && reply[0] === 'done' && call.args[0] === '0';
    if (isFirst) this.#first = call.args.some((text) => text.includes('"twice"')) ? 2 : 1;
    this.generations.look(call, reply);
    this.erasures.look(call, reply);
    this.flags.look(call, reply);
    this.rows.look(call, reply);
    if (call.verb === 'swap' && reply[0] === 'done') this.#judgeCopy();
  }

  /** A generation into which rows were copied has all of the one before, or later ones. */
  #judgeCopy(): void {
    const [before, live] = this.generations.lastCut('profile');
    if (!this.generations.copies.delete(live)) return;
    for (const user of USERS) {
      const [old, copied] = [this.rows.rowOf(before, user), this.rows.rowOf(live, user)];
      if (old === undefined || old.rank !== BATCH_RANK || this.erasures.ever.has(user)) continue;
      const isThere = copied !== undefined && (copied.time - old.time || copied.rank - old.rank) >= 0;
      if (!isThere)
        this.violate('G2', `${live} went live without the row of ${user} of ${old.time} that ${before} has`);
    }
  }

  /** The server is about to forget, or to come back without what it knew last. */
  forgets(): void {
    this.#remembersSince = this.now;
    this.#first = undefined;
    this.generations.forgets();
    this.erasures.forgets();
    this.exports.forgets();
  }

  /** The server is back, or has just forgotten everything. */
  restarted(): void {
    this.#remembersSince = Math.max(this.#remembersSince, this.now);
    this.#reload();
  }

  #reload(): void {
    this.exports.reload();
    this.rows.reload();
    this.generations.reload();
    this.erasures.reload();
    this.flags.reload();
  }

  /** An edition can write no rows, whatever it does. */
  isShutOut(edition: Edition): void {
    if (this.#first === edition)
      this.violate('D1', `edition ${edition} was applied, and cannot write any more`);
  }

  /** All is done, and nothing is under way. */
  judgeEnd(): void {
    this.rows.judgeTotals(() => true);
    if (this.#world.plan.features.exports) this.exports.judgeEnd();
    for (const [user, isErased] of this.erasures.noted()) if (isErased) this.erasures.requireGone(user);
  }

  died(): void {
    // What a process has begun, others finish; nothing of it is remembered here.
  }

  /** How many rows were to be landed so far. */
  get written(): number {
    return this.#writes;
  }

  /** A row is about to be landed: its number, the next one unless it has one. */
  writes(row: Written, n?: number): number {
    this.#writes += 1;
    const number = n ?? this.#writes;
    this.answers.writes(row, number);
    return number;
  }

  /** Users whose row in the generation that is read another one lacks. */
  beginsToCompare({ view, id }: Generation): Comparison {
    const live = this.generations.live(view) ?? '';
    const of = (generation: string, user: string): RowHead | undefined =>
      this.rows.rowOf(`${view}.${generation}`, user);
    const absent = USERS.filter(
      (user) => this.answers.isServed(of(live, user)) && of(id, user) === undefined,
    );
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
}
