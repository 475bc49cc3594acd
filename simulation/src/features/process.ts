/**
 * A process that lands rows, follows the source, rebuilds views, reads, or all of it.
 *
 * Guarantees: it uses only what users use. An error that no user should see in a correct deployment is a violation.
 */
import type {
  Features,
  Follower,
  Generation,
  GenerationInfo,
  Lane,
  LaneFate,
  WindowsLane,
} from '@holdfast/features';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import { BEGINNING, type Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { type Definitions, defineFeatures } from './definitions.js';
import type { Issuer, Right } from './issuer.js';
import { PARTITIONS, STORE, USERS } from './names.js';
import { type FeaturesOracle, seenOf } from './oracle.js';
import type { FeaturesPlan, FeaturesStep, RowPlan, ViewName } from './plan.js';
import type { WorldEvent, WorldSource } from './source.js';

export interface FeaturesProcessOptions {
  readonly world: World<FeaturesPlan>;
  readonly plan: FeaturesPlan;
  readonly subject: Subject;
  readonly oracle: FeaturesOracle;
  readonly issuer: Issuer;
  readonly source: WorldSource;
  readonly place: number;
  readonly life: number;
}

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;
type AnyLane = Lane<never> | WindowsLane;

/** Before the world begins, in ms since 1970: rows that are landed have one of a few times. */
const INSTANT = BEGINNING / 1000 - 10_000;

/** Numbers of rows that events become begin here. */
const EVENTS = 1_000_000;

/** More than a row may be in the future. */
const TOO_FAR = 900_000;

export class FeaturesProcess implements Actor<FeaturesStep> {
  readonly machine: Machine;
  readonly #options: FeaturesProcessOptions;
  readonly #definitions: Definitions;
  readonly #store: Features;
  #isClosed = false;

  constructor(options: FeaturesProcessOptions) {
    const { world, plan, subject, place, life } = options;
    this.#options = options;
    this.machine = world.start(place, life);
    const { clock, random } = this.machine;
    this.#definitions = defineFeatures(subject, plan.features.history);
    const { profile, counts, both } = this.#definitions;
    this.#store = subject.features.createFeatures({
      redis: world.connect(place, world.store),
      name: STORE,
      ...{ views: [profile, counts], services: [both], partitions: PARTITIONS },
      callTimeout: plan.features.timeout,
      ...{ clock, random },
    });
  }

  sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.machine.clock.after(duration, resolve);
    });
  }

  apply(): Promise<unknown> {
    return this.#store.apply();
  }

  async perform(step: FeaturesStep): Promise<void> {
    await this.sleep(step.after);
    try {
      await this.#carryOut(step);
    } catch (error) {
      await this.judge(error);
    }
  }

  /** Until it succeeds. */
  async insist(what: () => Promise<unknown>): Promise<void> {
    while (!this.#isClosed) {
      try {
        await what();
        return;
      } catch (error) {
        await this.judge(error);
        await this.sleep(100);
      }
    }
  }

  /** Takes in all that the source has, and lands a row of each user. */
  async catchUp(): Promise<void> {
    for (const view of ['profile', 'counts'] as const) {
      const lane = await this.#open(view, { lane: 'stream', told: true });
      try {
        const follower = this.#follow(lane);
        while (!this.#isAtEnd(follower)) {
          lane.signal.throwIfAborted();
          await this.sleep(20);
        }
        await follower.stop();
      } finally {
        await lane.close();
      }
    }
    const rows = USERS.map((user) => ({ user, instant: 8 }));
    await this.#job({ f: 'job', after: 0, told: true, batches: [rows], gap: 0, finishes: true });
  }

  /** A generation takes the place of the one that is read, that one comes back, and all others end. */
  async renew(): Promise<void> {
    for (const view of ['profile', 'counts'] as const) {
      await this.#tidy(view);
      const afterwards = ['roll back', 'retire'] as const;
      await this.#rebuild({ f: 'rebuild', after: 0, view, told: true, patience: 60_000, afterwards });
    }
  }

  /** All that there is, as it is served. */
  async readAll(): Promise<void> {
    await this.#read({ f: 'read', users: USERS, how: 'rows' });
    const ids = USERS.map((user) => ({ user }));
    const answers = await this.#store.get(this.#definitions.both, ids);
    for (const [index, answer] of answers.entries()) this.#judgeWindows(USERS[index] ?? '', answer);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#store.close();
  }

  note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  #carryOut(step: FeaturesStep): Promise<unknown> {
    switch (step.f) {
      case 'job':
        return this.#job(step);
      case 'follow':
        return this.#followFor(step);
      case 'read':
        return this.#read(step);
      case 'rebuild':
        return this.#rebuild(step);
      case 'rebuild both':
        return this.#rebuildBoth(step);
      case 'tidy':
        return this.#tidy(step.view);
      case 'apply':
        return this.#store.apply();
      case 'look':
        return this.#look();
    }
  }

  async #look(): Promise<void> {
    for (const view of [this.#definitions.profile, this.#definitions.counts] as const) {
      await this.#store.generations(view);
      await this.#store.deadLetters(view);
    }
  }

  #grant(resource: string, told: boolean): Right {
    return this.#options.issuer.grant(this.machine, resource, told);
  }

  async #open(
    view: ViewName,
    { lane, told, generation }: { lane: string; told: boolean; generation?: Generation },
  ): Promise<AnyLane> {
    const holder = this.#grant(`${view}:${lane}:${generation?.id ?? ''}`, told);
    const options = { holder, lane, ...(generation && { generation }) };
    const opened = await this.#store.open(this.#definitions[view] as Definitions['profile'], options);
    this.#options.oracle.rows.isOpen(lane, holder.token);
    this.note(`has opened ${view} ${lane} ${generation?.id ?? ''} under ${holder.token}`);
    return opened as unknown as AnyLane;
  }

  async #job({ told, batches, gap, finishes }: Omit<Step<'job'>, 'f'> & { f: string }): Promise<void> {
    const lane = (await this.#open('profile', { lane: 'batch', told })) as Lane<never>;
    try {
      await this.#land(lane, { batches, gap });
      if (finishes) await lane.finish();
    } finally {
      await lane.close();
    }
  }

  async #land(
    lane: Lane<never>,
    { batches, gap }: { batches: readonly (readonly RowPlan[])[]; gap: number },
  ): Promise<void> {
    const { oracle } = this.#options;
    for (const batch of batches) {
      const rows = batch.map(({ user, instant }) => {
        const time = INSTANT + (instant === 9 ? TOO_FAR : instant * 1_000);
        const n = oracle.writes({ user, time });
        return { id: user, time, values: { n } };
      });
      const { outcomes } = await lane.land(rows as never);
      if (outcomes.length !== rows.length)
        oracle.violate('outcomes', `${rows.length} rows were landed, and ${outcomes.length} answered`);
      this.note(`is told: ${outcomes.join(' ')}`);
      if (gap > 0) await this.sleep(gap);
    }
  }

  #follow(lane: AnyLane, hold?: (name: string) => Right): Follower {
    const { source, oracle } = this.#options;
    const isWindows = 'added' in lane.stats();
    const parse = (value: unknown): unknown => {
      const { n, user, at, isReadable } = value as WorldEvent;
      if (!isReadable) throw new Error('it cannot be read');
      if (isWindows) return value;
      // The same event becomes the same row, however often it is taken in.
      return { id: user, time: at, values: { n: oracle.writes({ user, time: at }, EVENTS + n) } };
    };
    return lane.follow(source.for(this.machine), parse as never, hold && { hold });
  }

  async #followFor(step: Step<'follow'>): Promise<void> {
    const { view, told, shared, stops } = step;
    const lane = shared ? await this.#openShared(view) : await this.#open(view, { lane: 'stream', told });
    try {
      const resource = (name: string): string => `${view}:stream:part:${name}`;
      const follower = this.#follow(lane, shared ? (name) => this.#grant(resource(name), told) : undefined);
      const controller = new AbortController();
      const timer = this.machine.clock.after(step.for, () => controller.abort());
      await Promise.race([
        follower.done(),
        new Promise<void>((resolve) => {
          controller.signal.addEventListener('abort', () => resolve(), { once: true });
        }),
      ]);
      timer.cancel();
      if (stops) await follower.stop();
    } finally {
      await lane.close({ signal: AbortSignal.abort() });
    }
  }

  async #openShared(view: ViewName): Promise<AnyLane> {
    const options = { lane: 'stream', shared: true };
    return (await this.#store.open(
      this.#definitions[view] as Definitions['profile'],
      options,
    )) as unknown as AnyLane;
  }

  #isAtEnd(follower: Follower): boolean {
    const { partitions } = this.#options.source;
    return follower.partitions.every(
      ({ partition, through }) => (through?.[0] ?? 0) >= (partitions[partition]?.length ?? 0),
    );
  }

  async #read({ users, how }: Omit<Step<'read'>, 'after'>): Promise<void> {
    const { oracle } = this.#options;
    const { profile, both } = this.#definitions;
    const reading = oracle.beginsToRead(users);
    if (how === 'rows') {
      const rows = await this.#store.rows(profile, users);
      oracle.judgeRows(reading, users, rows.map(seenOf));
      return;
    }
    const ids = users.map((user) => ({ user }));
    const answers = await this.#store.get(both, ids, undefined, { meta: true, place: how === 'place' });
    oracle.judgeRows(
      reading,
      users,
      answers.map(({ answer, views }) => {
        const { time } = views.profile;
        return time === null ? undefined : { n: Number(answer['profile.n']), time: time.getTime() };
      }),
    );
    oracle.judgeMeta(
      reading,
      answers.map(({ views }, index) => ({ user: users[index] ?? '', views })),
    );
  }

  async #rebuild({
    view,
    told,
    patience,
    afterwards,
  }: Omit<Step<'rebuild'>, 'f'> & { f: string }): Promise<void> {
    const defined = this.#definitions[view];
    const holder = this.#grant(`build:${view}`, told);
    const generation = await this.#store.begin(defined, { holder });
    this.note(`has begun ${view}.${generation.id}`);
    const fates: Record<string, LaneFate> =
      view === 'profile' ? { batch: 'finished', stream: 'same' } : { stream: 'same' };
    if (view === 'profile') await this.#fill(generation);
    const before = (await this.#all(view)).find(({ state }) => state === 'live');
    await this.#cut(view, generation, { lanes: fates, patience });
    if (afterwards.includes('roll back') && before !== undefined) {
      const back = await this.#store.generation(defined, before.id, { holder });
      await this.#cut(view, back, {
        lanes: view === 'profile' ? { batch: 'ended', stream: 'same' } : fates,
        patience,
      });
    }
    if (afterwards.includes('retire')) await this.#tidy(view, holder);
  }

  async #rebuildBoth({ told, patience }: Step<'rebuild both'>): Promise<void> {
    const holder = this.#grant('build:both', told);
    const generations: Generation[] = [];
    const lanes: AnyLane[] = [];
    try {
      for (const view of ['profile', 'counts'] as const) {
        const generation = await this.#store.begin(this.#definitions[view], { holder });
        generations.push(generation);
        if (view === 'profile') await this.#fill(generation);
        const lane = await this.#open(view, { lane: 'stream', told: true, generation });
        lanes.push(lane);
        this.#follow(lane)
          .done()
          .catch(() => {});
      }
      const fates = { profile: { batch: 'finished', stream: 'same' }, counts: { stream: 'same' } } as const;
      await this.#store.cut(generations, { lanes: fates, patience });
      this.note(`has cut to ${generations.map(({ view, id }) => `${view}.${id}`).join(' and ')}`);
    } finally {
      for (const lane of lanes) await lane.close({ signal: AbortSignal.abort() });
    }
  }

  /** The generation follows the source until it has taken its place. */
  async #cut(
    view: ViewName,
    generation: Generation,
    options: Parameters<Generation['cut']>[0],
  ): Promise<void> {
    const lane = await this.#open(view, { lane: 'stream', told: true, generation });
    try {
      this.#follow(lane)
        .done()
        .catch(() => {});
      await generation.cut(options);
      this.note(`has cut to ${view}.${generation.id}`);
    } finally {
      await lane.close({ signal: AbortSignal.abort() });
    }
  }

  async #fill(generation: Generation): Promise<void> {
    const lane = (await this.#open('profile', { lane: 'batch', told: true, generation })) as Lane<never>;
    try {
      const rows = USERS.map((user) => ({ user, instant: 3 }));
      await this.#land(lane, { batches: [rows], gap: 0 });
      await lane.finish();
    } finally {
      await lane.close();
    }
  }

  #all(view: ViewName): Promise<readonly GenerationInfo[]> {
    return this.#store.generations(this.#definitions[view]);
  }

  async #tidy(view: ViewName, holder = this.#grant(`build:${view}`, true)): Promise<void> {
    for (const { id, state } of await this.#all(view)) {
      if (state !== 'filling' && state !== 'previous') continue;
      const generation = await this.#store.generation(this.#definitions[view], id, { holder });
      await (state === 'filling' ? generation.abandon() : generation.retire());
      this.note(`has retired ${view}.${id}`);
    }
  }

  /** What windows say once all of the source was taken in. */
  #judgeWindows(user: string, answer: Readonly<Record<string, unknown>>): void {
    const { oracle, source } = this.#options;
    const events = source.partitions.flat().filter((each) => each.user === user && each.isReadable);
    const counted = events.filter(({ isOld }) => !isOld).sort((one, other) => other.at - one.at);
    const expected = {
      count: counted.length,
      amount: counted.reduce((sum, { amount }) => sum + amount, 0),
      last: counted[0]?.n ?? null,
    };
    for (const [name, value] of Object.entries(expected)) {
      const found = answer[`counts.${name}`] ?? (name === 'last' ? null : 0);
      if (found !== value)
        oracle.violate('O4', `${name} of ${user} is ${String(found)}, not ${String(value)}`);
    }
    const latest = (answer['counts.latest'] ?? []) as readonly string[];
    const wanted = counted.slice(0, 3).map(({ n }) => String(n));
    if (counted.length >= 3 && latest.join() !== wanted.join())
      oracle.violate('O4', `the latest of ${user} are ${latest.join()}, not ${wanted.join()}`);
  }

  async judge(error: unknown): Promise<void> {
    if (this.#isClosed) return;
    const { code = '', message = String(error) } = Object(error) as { code?: string; message?: string };
    this.note(`is told: ${message}`);
    const isMisuse = code === 'HOLDFAST_MISUSE' && EXPECTED_MISUSE.test(message);
    if (!EXPECTED.includes(code) && !isMisuse) this.#options.oracle.violate('error', String(error));
    // A server that has forgotten everything is deployed again.
    if (isMisuse && UNAPPLIED.test(message))
      await this.#store.apply().catch((failure: unknown) => this.note(`is told: ${String(failure)}`));
  }
}

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = [
  ...['HOLDFAST_UNAVAILABLE', 'HOLDFAST_LEASE_LOST', 'HOLDFAST_ABORTED', 'HOLDFAST_STALE_TOKEN'],
  ...['HOLDFAST_GENERATION_ENDED', 'HOLDFAST_INCOMPLETE', 'HOLDFAST_BUSY'],
];

/** Nothing was applied yet, or the server has forgotten it. */
const UNAPPLIED = /never applied|call apply\(\)/;

const EXPECTED_MISUSE =
  /never applied|call apply\(\)|Three generations|that cannot be done with it|has no generation|follows no source|in "lanes" what becomes of it/;
