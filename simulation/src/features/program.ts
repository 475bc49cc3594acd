/**
 * A program in one of its editions, as a process runs it: its store, and what its steps have in common.
 *
 * Guarantees: it uses only what users use.
 */
import type { Features, Follower, Generation, GenerationInfo, Lane, WindowsLane } from '@holdfast/features';
import type { Subject } from '../run/subject.js';
import type { Disk } from '../world/disk.js';
import { BEGINNING, type Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { type Definitions, defineFeatures, valuesOf } from './definitions.js';
import type { Issuer, Right } from './issuer.js';
import { type Edition, PARTITIONS, STORE } from './names.js';
import type { FeaturesOracle } from './oracle.js';
import type { FeaturesPlan, ReplicaPlan, RowPlan, ViewName } from './plan.js';
import { REPLICA } from './replica.js';
import type { WorldEvent, WorldSource } from './source.js';

export interface ProgramOptions {
  readonly world: World<FeaturesPlan>;
  readonly plan: FeaturesPlan;
  readonly subject: Subject;
  readonly oracle: FeaturesOracle;
  readonly issuer: Issuer;
  readonly source: WorldSource;
  readonly disk: Disk;
  readonly place: number;
  readonly machine: Machine;
  readonly edition: Edition;
}

export type AnyLane = Lane<never> | WindowsLane;

/** Before the world begins, in ms since 1970: rows that are landed have one of a few times. */
const INSTANT = BEGINNING / 1000 - 10_000;

/** Numbers of rows that events become begin here. */
const EVENTS = 1_000_000;

/** More than a row may be in the future. */
const TOO_FAR = 900_000;

export class Program {
  readonly definitions: Definitions;
  readonly store: Features;
  readonly oracle: FeaturesOracle;
  readonly source: WorldSource;
  readonly machine: Machine;
  readonly disk: Disk;
  readonly edition: Edition;
  readonly replica: ReplicaPlan | undefined;
  /** Whether anybody exports. */
  readonly exports: boolean;
  readonly #options: ProgramOptions;

  constructor(options: ProgramOptions) {
    const { world, plan, subject, place, machine, edition } = options;
    this.#options = options;
    this.oracle = options.oracle;
    this.source = options.source;
    this.machine = machine;
    this.disk = options.disk;
    this.exports = plan.features.exports;
    this.edition = edition;
    const { clock, random } = machine;
    this.definitions = defineFeatures(subject, plan.features, edition);
    const { profile, counts, marks, both, cached } = this.definitions;
    const [{ replica }, replicaNode = world.store] = [plan.features, world.nodes[REPLICA]];
    this.replica = replica;
    this.store = subject.features.createFeatures({
      redis: world.connect(place, world.store),
      name: STORE,
      ...{ views: [profile, counts, marks], services: [both, cached], partitions: PARTITIONS },
      callTimeout: plan.features.timeout,
      ...(replica && { replicas: { redis: world.connect(place, replicaNode), maxLag: replica.maxLag } }),
      ...{ clock, random },
    });
  }

  sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.machine.clock.after(duration, resolve);
    });
  }

  note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  /** False for the first edition where the second one was applied, of which it lacks a field. */
  async apply(): Promise<boolean> {
    try {
      await this.store.apply();
      return true;
    } catch (error) {
      if (this.edition === 2 || Object(error).code !== 'HOLDFAST_DEFINITION_MISMATCH') throw error;
      this.note(`is told: ${String(error)}`);
      return false;
    }
  }

  grant(resource: string, isTold: boolean): Right {
    const { plan, place, issuer } = this.#options;
    return issuer.grant(this.machine, { resource, isTold, way: plan.features.ways[place] ?? 1 });
  }

  all(view: ViewName): Promise<readonly GenerationInfo[]> {
    return this.store.generations(this.definitions[view]);
  }

  async open(
    view: ViewName | 'marks',
    { lane, told, generation }: { lane: string; told: boolean; generation?: Generation },
  ): Promise<AnyLane> {
    // The generation that is read has one right for a lane, whether it is named or not: a server that has forgotten the later of
    // two would take the earlier one, which its issuer still renews.
    const id = generation?.id ?? this.oracle.generations.live(view) ?? '1-0';
    const holder = this.grant(`${view}:${lane}:${id}`, told);
    const options = { holder, lane, ...(generation && { generation }) };
    const opened = await this.store.open(this.definitions[view] as Definitions['profile'], options);
    this.oracle.rows.isOpen(lane, holder.token);
    this.note(`has opened ${view} ${lane} ${generation?.id ?? ''} under ${holder.token}`);
    return opened as unknown as AnyLane;
  }

  async openShared(view: ViewName): Promise<AnyLane> {
    const options = { lane: 'stream', shared: true };
    const opened = await this.store.open(this.definitions[view] as Definitions['profile'], options);
    return opened as unknown as AnyLane;
  }

  async land(
    lane: Lane<never>,
    { batches, gap }: { batches: readonly (readonly RowPlan[])[]; gap: number },
  ): Promise<void> {
    const { oracle, edition } = this;
    for (const batch of batches) {
      const rows = batch.map(({ user, instant }) => {
        const after = instant === 9 ? TOO_FAR : instant === 10 ? 7_200 + oracle.written : instant * 1_000;
        const time = INSTANT + after;
        return { id: user, time, values: valuesOf(oracle.writes({ user, time, edition }), edition) };
      });
      const { outcomes } = await lane.land(rows as never);
      if (outcomes.length !== rows.length)
        oracle.violate('outcomes', `${rows.length} rows were landed, and ${outcomes.length} answered`);
      for (const [index, outcome] of outcomes.entries())
        if (outcome === 'refused' && batch[index]?.instant !== 9)
          oracle.violate('outcomes', 'a row was refused in which nothing is wrong');
      this.note(`is told: ${outcomes.join(' ')}`);
      if (gap > 0) await this.sleep(gap);
    }
  }

  follow(lane: AnyLane, hold?: (name: string) => Right): Follower {
    const { oracle, edition } = this;
    const isWindows = 'added' in lane.stats();
    const parse = (value: unknown): unknown => {
      const { n, user, at, instant, isReadable } = value as WorldEvent;
      if (!isReadable) throw new Error('it cannot be read');
      if (isWindows) return value;
      // The same event becomes a row of the same number, however often it is taken in.
      const time = instant === undefined ? at : INSTANT + instant * 1_000;
      const number = oracle.writes({ user, time, edition }, EVENTS + n);
      return { id: user, time, values: valuesOf(number, edition) };
    };
    return lane.follow(this.source.for(this.machine), parse as never, hold && { hold });
  }
}
