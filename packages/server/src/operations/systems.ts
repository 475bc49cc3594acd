/**
 * The systems behind the server: what operations work with.
 *
 * Guarantees: a queue is opened once, and stays open while somebody uses it; those that nobody has used for longest are
 * closed when there are too many.
 */

import { type Features, listStores, openFeatures, type View } from '@holdfast/features';
import { type Drift, driftOf } from '@holdfast/features/offline';
import { createRedisGuard, type RedisGuard } from '@holdfast/fence/redis';
import { openRecord, type Reporting, type ResourceRecord, reportTo } from '@holdfast/fence/report';
import { type Clock, MisuseError, messageOf, type Random, UnavailableError } from '@holdfast/kernel';
import type { Locks } from '@holdfast/lock';
import { type Examined, examine } from '@holdfast/lock/doctor';
import { createQueue, listQueues, metricsText, type Queue } from '@holdfast/queue';
import { openRemote, type Remote } from '@holdfast/queue/remote';
import type { NodeSource } from '@holdfast/redis';
import { joinTexts, openTally, PROMETHEUS, type Tally } from '@holdfast/telemetry';
import { type IndexInfo, listIndexes, openIndex, type VectorIndex } from '@holdfast/vectors';
import { type OpenedWorkflows, openWorkflows } from '@holdfast/workflow';
import type { People } from '../auth/people.js';
import type { Sealer } from '../auth/sealer.js';
import { NotFoundError } from '../errors.js';
import { Reads } from '../observe/reads.js';
import type { Definitions } from '../options.js';
import { isAlive } from '../quotas/alive.js';
import { Ledger } from '../quotas/ledger.js';
import { Quotas } from '../quotas/quotas.js';
import type { ReceiverFile } from '../webhooks/receivers.js';
import { Webhooks } from '../webhooks/webhooks.js';
import { definedQueue } from './defined.js';
import { type Held, Opener, Openers } from './opener.js';

export interface SystemsOptions {
  /** The name of the workflow app. */
  readonly app: string;
  /** The locks; undefined if the server has none. */
  readonly locks: Locks | undefined;
  /** The Redis of queues; undefined if the server has none. */
  readonly redis: NodeSource | undefined;
  /** Whether that Redis forgets nothing with a restart. */
  readonly persistence: 'none' | 'synchronous';
  readonly prefix: string;
  /** What a program defines, which is not closed here. */
  readonly definitions: Required<Definitions>;
  /** In ms. */
  readonly callTimeout: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** How people sign in. */
export interface SignIn {
  readonly people: People;
  readonly clientId: string;
  /** Undefined for a client that has none. */
  readonly clientSecret: () => string | undefined;
  /** What the issuer is asked for. */
  readonly scope: string;
  /** That of this server, as browsers have it. */
  readonly url: string;
}

const MOST_QUEUES = 1_000;
/** How long what is costly to find out is shown, in ms: connections are opened for it, or all keys looked through. */
const KNOWN_FOR = 5_000;

interface Opened {
  readonly queue: Queue;
  /** Throws MisuseError for a queue with groups, whose tasks are theirs. */
  readonly remote: () => Remote;
  readonly closeRemote: () => void;
  /** Of one that a program defines it closes nothing. */
  readonly close: () => Promise<void>;
  users: number;
}

const driftName = (store: Features, view: View): string => `drift ${store.name} ${view.name}`;

export class Systems {
  readonly clock: Clock;
  readonly random: Random;
  readonly #app: Opener<OpenedWorkflows>;
  readonly #stores: Openers<Features>;
  readonly #indexes: Openers<VectorIndex>;
  #guard: RedisGuard | undefined;
  #record: ResourceRecord | undefined;
  #reporting: Reporting | undefined;
  /** What is costly to find out, for a while. */
  readonly #known = new Map<string, { readonly at: number; readonly answer: Promise<unknown> }>();
  #sealer: Sealer | undefined;
  /** Undefined where people do not sign in by an issuer. */
  signIn: SignIn | undefined;
  /** Undefined where the server has none. */
  webhooks: Webhooks | undefined;
  readonly reads: Reads;
  readonly quotas: Quotas;
  #ledger: Ledger | undefined;
  readonly #options: SystemsOptions;
  /** The one that was used longest ago comes first. */
  readonly #queues = new Map<string, Opened>();
  #problem: () => string | undefined = () => 'it does not listen yet';
  #tally: Tally | undefined;

  constructor(options: SystemsOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.random = options.random;
    const { prefix, app: name, callTimeout, clock } = options;
    this.#app = new Opener({
      open: () => openWorkflows({ redis: this.#redis, prefix, name, callTimeout }),
      absent: `There is no workflow app "${name}" yet: start a worker of it.`,
      clock,
    });
    this.#stores = new Openers((store) => ({
      open: () => openFeatures({ ...this.place, name: store }),
      absent: `There is no feature store "${store}".`,
      clock,
    }));
    this.#indexes = new Openers((index) => ({
      open: () => openIndex({ ...this.place, name: index }),
      absent: `There is no index "${index}".`,
      clock,
    }));
    this.reads = new Reads(options.clock);
    this.quotas = new Quotas(
      () => this.#openLedger(),
      (kind, thing) => isAlive(this, kind, thing),
    );
  }

  /** Works with a queue. */
  async withQueue<Result>(name: string, work: (queue: Queue) => Promise<Result>): Promise<Result> {
    const { queue, release } = this.holdQueue(name);
    try {
      return await work(queue);
    } finally {
      release();
    }
  }

  /** Works on the tasks of a queue for programs elsewhere. */
  async withRemote<Result>(name: string, work: (remote: Remote) => Promise<Result>): Promise<Result> {
    return this.withQueue(name, () => work((this.#queues.get(name) as Opened).remote()));
  }

  /** Throws MisuseError if the server has none. */
  get locks(): Locks {
    const { locks } = this.#options;
    if (locks) return locks;
    throw new MisuseError('This server has no nodes for leases; start it with --nodes.');
  }

  /** A queue, which stays open until it is released. */
  holdQueue(name: string): { readonly queue: Queue; readonly release: () => void } {
    const opened = this.#open(name);
    opened.users += 1;
    const release = (): void => {
      opened.users -= 1;
    };
    return { queue: opened.queue, release };
  }

  /** The workflow app, which has that workflow, until it is released. Throws NotFoundError, UnavailableError. */
  async holdApp(workflow: string): Promise<Held<OpenedWorkflows>> {
    const held = await this.#app.hold(({ names }) => names.includes(workflow));
    if (held.thing.names.includes(workflow)) return held;
    held.release();
    throw new NotFoundError(
      `The app "${this.#options.app}" has no workflow "${workflow}" with a worker, a run or limits.`,
    );
  }

  /** Works with a feature store. `suffices`: whether it has what is needed, as far as it knows. Throws NotFoundError. */
  async withStore<Result>(
    name: string,
    suffices: (store: Features) => boolean,
    work: (store: Features) => Promise<Result>,
  ): Promise<Result> {
    const defined = this.#options.definitions.features.find((store) => store.name === name);
    if (defined) return work(defined);
    const { thing, release } = await this.#stores.hold(name, suffices);
    return work(thing).finally(release);
  }

  /** Works with an index of vectors. Throws NotFoundError. */
  async withIndex<Result>(name: string, work: (index: VectorIndex) => Promise<Result>): Promise<Result> {
    const defined = this.#options.definitions.indexes.find((index) => index.name === name);
    if (defined) return work(defined);
    const { thing, release } = await this.#indexes.hold(name, () => true);
    return work(thing).finally(release);
  }

  /** Where everything but leases is. Throws MisuseError if the server has no Redis. */
  get place(): { readonly redis: NodeSource; readonly prefix: string; readonly callTimeout: number } {
    const { prefix, callTimeout } = this.#options;
    return { redis: this.#redis, prefix, callTimeout };
  }

  /** Works with the workflow app, which has that workflow. Throws NotFoundError, UnavailableError. */
  withApp<Result>(workflow: string, work: (app: OpenedWorkflows) => Promise<Result>): Promise<Result> {
    return this.holdApp(workflow).then(({ thing, release }) => work(thing).finally(release));
  }

  /** The names of the app's workflows. Throws UnavailableError. */
  workflowNames(): Promise<readonly string[]> {
    return this.#names();
  }

  /** What has happened to resources. Throws MisuseError if the server has no Redis. */
  get record(): ResourceRecord {
    this.#record ??= openRecord(this.#kept);
    return this.#record;
  }

  /** What the doctor says of the lock nodes, at most some seconds old. Throws MisuseError if the server has none. */
  examine(): Promise<Examined> {
    return this.#forAWhile('examined', () => examine(this.locks));
  }

  /** The names of the feature stores, at most some seconds old. Throws UnavailableError, MisuseError. */
  storeNames(): Promise<readonly string[]> {
    return this.#forAWhile('stores', () => listStores(this.place));
  }

  /** The indexes of vectors, at most some seconds old. Throws UnavailableError, MisuseError. */
  indexes(): Promise<readonly IndexInfo[]> {
    return this.#forAWhile('indexes', () => listIndexes(this.place));
  }

  /** How far what a view serves has moved, at most some seconds old. Throws UnavailableError, MisuseError. */
  driftOf(store: Features, view: View): Promise<Drift> {
    return this.#forAWhile(driftName(store, view), () => driftOf({ store, view }));
  }

  /** The next answer is a new one. */
  forgetDrift(store: Features, view: View): void {
    this.#known.delete(driftName(store, view));
  }

  #forAWhile<Answer>(what: string, find: () => Promise<Answer>): Promise<Answer> {
    const now = this.clock.now();
    const known = this.#known.get(what);
    if (known !== undefined && now - known.at < KNOWN_FOR) return known.answer as Promise<Answer>;
    const answer = find();
    this.#known.set(what, { at: now, answer });
    return answer;
  }

  /** The guard of resources that have none of their own. Throws MisuseError if the server has no Redis. */
  get guard(): RedisGuard {
    this.#guard ??= createRedisGuard({
      ...this.place,
      persistence: this.#options.persistence,
      clock: this.clock,
    });
    return this.#guard;
  }

  /** What counts for quotas. Throws UnavailableError if the server has no Redis. */
  #openLedger(): Ledger {
    if (this.#options.redis === undefined) {
      throw new UnavailableError(
        'The key has quotas, and this server has no Redis to count them; start it with --redis.',
        [],
      );
    }
    this.#ledger ??= new Ledger({ ...this.place, clock: this.clock });
    return this.#ledger;
  }

  /** What seals handles. */
  get sealer(): Sealer {
    return this.#sealer as Sealer;
  }

  /** The names of all queues. Throws UnavailableError. */
  queueNames(): Promise<string[]> {
    const { prefix, callTimeout } = this.#options;
    return listQueues({ redis: this.#redis, prefix, callTimeout });
  }

  /** Called when the server listens; `problem` says why it may not be sent requests. */
  opened(sealer: Sealer, problem: () => string | undefined): void {
    this.#sealer = sealer;
    this.#problem = problem;
    this.#tally = openTally();
    if (this.#options.locks && this.#options.redis) this.#reporting = reportTo(this.#kept);
  }

  /** Begins to follow events, and to send. Throws MisuseError if the server has no Redis. */
  openWebhooks(receivers: ReceiverFile, onError: (error: unknown) => void): void {
    this.webhooks = new Webhooks({
      ...{ receivers, onError, sealer: this.sealer, sources: this },
      place: { ...this.place, clock: this.clock },
      replica: `${this.random.id()}${this.random.id()}`,
    });
  }

  /** Called when the server stops. */
  stopping(): void {
    this.#problem = () => 'it is stopping';
  }

  /** Why the process may not be sent requests. */
  problems(): readonly string[] {
    const problem = this.#problem();
    return problem === undefined ? [] : [problem];
  }

  /** Asks the stores. Resolves to what is wrong with them. */
  async ask(): Promise<readonly string[]> {
    if (this.#options.redis === undefined) return [];
    try {
      await this.queueNames();
      return [];
    } catch (error) {
      return [messageOf(error).split('\n')[0] ?? ''];
    }
  }

  /** Those of this process, and those that Redis keeps. */
  async metrics(): Promise<{ readonly type: string; readonly body: string }> {
    const names = this.#options.redis === undefined ? [] : await this.queueNames();
    const texts = await Promise.all(
      names.map((name) => this.withQueue(name, (queue) => metricsText([queue]))),
    );
    return { type: PROMETHEUS, body: joinTexts([this.#tally?.text() ?? '', ...texts]) };
  }

  /** None if there is no app. */
  async #names(): Promise<readonly string[]> {
    try {
      const { thing, release } = await this.#app.hold(() => false);
      release();
      return thing.names;
    } catch (error) {
      if (error instanceof NotFoundError) return [];
      throw error;
    }
  }

  get #kept(): { readonly redis: NodeSource; readonly prefix: string; readonly clock: Clock } {
    return { redis: this.#redis, prefix: this.#options.prefix, clock: this.clock };
  }

  get #redis(): NodeSource {
    const { redis } = this.#options;
    if (redis !== undefined) return redis;
    throw new MisuseError('This server has no Redis for queues; start it with --redis.');
  }

  async close(): Promise<void> {
    await this.webhooks?.close();
    this.#tally?.close();
    await this.#reporting?.close();
    this.#record?.close();
    this.#ledger?.close();
    await Promise.all([this.#guard?.close(), this.#app.close(), this.#stores.close(), this.#indexes.close()]);
    await Promise.all(
      [...this.#queues.values()].map(({ close, closeRemote }) => {
        closeRemote();
        return close();
      }),
    );
    this.#queues.clear();
  }

  #open(name: string): Opened {
    const { prefix, callTimeout, persistence, clock, random } = this.#options;
    let opened = this.#queues.get(name);
    if (opened === undefined) {
      const defined = definedQueue(this.#options.definitions.queues, name);
      const queue =
        defined ??
        createQueue({
          ...{ redis: this.#redis, name, prefix, callTimeout, clock, random },
          guard: { persistence },
        });
      const close = async (): Promise<void> => (defined ? undefined : queue.close());
      let remote: Remote | undefined;
      const closeRemote = (): void => remote?.close();
      opened = { queue, remote: () => (remote ??= openRemote(queue)), closeRemote, close, users: 0 };
    }
    this.#queues.delete(name);
    this.#queues.set(name, opened);
    if (this.#queues.size > MOST_QUEUES) this.#closeOne();
    return opened;
  }

  #closeOne(): void {
    for (const [name, { close, closeRemote, users }] of this.#queues) {
      if (users > 0) continue;
      this.#queues.delete(name);
      closeRemote();
      void close();
      return;
    }
  }
}
