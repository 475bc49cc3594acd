/**
 * A partition in Redis: calls of the scripts over one connection, and mail over another.
 *
 * Guarantees: those of a Caller. Nothing connects before the first call. A layout that is newer than what this version knows
 * is a MisuseError, and nothing of it is touched.
 */

import { setMaxListeners } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { type Clock, MisuseError } from '@holdfast/kernel';
import {
  Caller,
  type CallVerb,
  type Connection,
  connect,
  type NodeSource,
  StreamReader,
} from '@holdfast/redis';
import { issuerOf, keysOf, type PartitionKeys } from '../keys.js';
import type { Agreement } from './agreement.js';
import type { Claim, RunRef } from './claim.js';
import type { EventFollower, OpenedReader, WorkflowDemand } from './event-store.js';
import { Replication, type ReplicationOptions } from './replication.js';
import type {
  Listed,
  ListRequest,
  Purged,
  RunCounts,
  Terminated,
  TerminateRequest,
  ToArchive,
} from './run-store.js';
import type { KeptSchedule, Schedules } from './schedule-store.js';
import { scripts } from './scripts.js';
import type {
  Anew,
  AnewRequest,
  CommitRequest,
  Committed,
  Declared,
  DeclaredLimits,
  Found,
  MailListener,
  Proof,
  ReadResult,
  Retoken,
  Served,
  ServeRequest,
  Started,
  StartRequest,
  Store,
  Told,
  Worked,
  WorkRequest,
} from './store.js';
import type { Appended, AppendRequest, Chunks, ChunksRequest } from './stream-store.js';
import { type Known, verbsOf } from './verbs.js';

export interface RedisStoreOptions {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly app: string;
  /** Which one of the app's. */
  readonly partition: number;
  /** On how many there are. */
  readonly agreement: Agreement;
  readonly prefix: string;
  readonly callTimeout: number;
  readonly replicas: ReplicationOptions['replicas'];
  readonly clock: Clock;
}

export class RedisStore implements Store {
  readonly issuer: string;
  readonly askAgain = 30_000;
  readonly #keys: PartitionKeys;
  readonly #clock: Clock;
  readonly isReplicated: boolean;
  readonly #connectAlone: () => Connection;
  readonly #replication: Replication;
  readonly #agreement: Agreement;
  readonly #caller: Caller;
  readonly #verbs: ReturnType<typeof verbsOf>;
  readonly #closing = new AbortController();
  readonly #ears: { close(): void }[] = [];

  constructor(options: RedisStoreOptions) {
    const { redis, tls, app, partition, agreement, prefix, callTimeout, replicas, clock } = options;
    setMaxListeners(0, this.closed); // of each run that waits for an answer
    this.issuer = issuerOf({ app, partition, prefix });
    this.#keys = keysOf({ app, partition, prefix });
    this.#agreement = agreement;
    this.#clock = clock;
    this.#connectAlone = () => connect(redis, { tls, key: this.#keys.of('meta'), alone: true });
    this.isReplicated = replicas !== undefined;
    this.#replication = new Replication({
      ...{ connect: this.#connectAlone, keys: this.#keys, app, clock, callTimeout, replicas },
    });
    this.#verbs = verbsOf(this.#keys);
    this.#caller = new Caller({
      ...{ redis, tls, timeout: callTimeout, clock, scripts },
      key: this.#keys.of('meta'),
      // Commits and renewals are tried for as long as there is a chance: what they fail to say is done again.
      urgent: true,
      refusal: (reason) => refusalOf(app, reason),
      words: {
        subject: `The workflow app "${app}"`,
        unknown: 'A start, a message and a cancel may be repeated',
        closed: 'create or open another',
      },
    });
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** How many partitions the app has, which is what is said if nobody has said it before. */
  agree(partitions: number): Promise<number> {
    return this.#caller.call(this.#verbs.agree, partitions);
  }

  /** Also of an app of which nothing is known yet. */
  known(): Promise<Known> {
    return this.#caller.call(this.#verbs.known, undefined);
  }

  start(request: StartRequest): Promise<Started> {
    return this.#call(this.#verbs.start, request);
  }

  declare(limits: DeclaredLimits): Promise<Declared> {
    return this.#call(this.#verbs.declare, limits);
  }

  hold(workflow: string, isHeld: boolean): Promise<void> {
    return this.#call(this.#verbs.hold, { workflow, isHeld });
  }

  get problem(): string | undefined {
    return this.isReplicated ? this.#replication.problem : undefined;
  }

  async replicated(): Promise<string> {
    if (!this.#agreement.isReached) await this.#agreement.reach();
    return this.#replication.confirm();
  }

  proof(run: RunRef, claim?: Claim): Promise<Proof> {
    return this.#call(this.#verbs.proof, { ...run, claim });
  }

  async open(session: string, lease: number): Promise<void> {
    // From the first token on, there is a ceiling.
    if (this.isReplicated) await this.replicated();
    return this.#call(this.#verbs.open, { session, lease });
  }

  renew(session: string, lease: number): Promise<true | undefined> {
    return this.#call(this.#verbs.renew, { session, lease });
  }

  close(session: string): Promise<void> {
    return this.#call(this.#verbs.close, session);
  }

  serve(request: ServeRequest): Promise<Served | undefined> {
    return this.#call(this.#verbs.serve, { ...request, isReplicated: this.isReplicated });
  }

  work(request: WorkRequest): Promise<Worked | undefined> {
    return this.#call(this.#verbs.work, request);
  }

  commit(request: CommitRequest): Promise<Committed> {
    const { ending, records, effects = [], state } = request;
    const advances = ending.word === 'go' && records.length > 0 && effects.length === 0 && !state;
    return this.#call(advances ? this.#verbs.advance : this.#verbs.commit, request);
  }

  read(claim: Claim, from: number): Promise<ReadResult> {
    return this.#call(this.#verbs.read, { ...claim, from });
  }

  retoken(claim: Claim, seen: number): Promise<Retoken> {
    return this.#raising(() => this.#call(this.#verbs.retoken, { ...claim, seen }));
  }

  tell(run: RunRef, record: string, isResult = false): Promise<Told> {
    return this.#call(this.#verbs.tell, { ...run, record, isResult });
  }

  find(run: RunRef, mailbox: string): Promise<Found> {
    return this.#call(this.#verbs.find, { ...run, mailbox });
  }

  retry(run: string): Promise<'ready' | 'going' | 'unknown'> {
    return this.#call(this.#verbs.retry, run);
  }

  anew(request: AnewRequest): Promise<Anew> {
    return this.#call(this.#verbs.anew, request);
  }

  cached(key: string): Promise<string | undefined> {
    return this.#call(this.#verbs.cached, key);
  }

  cache(key: string, result: string, ttl: number): Promise<void> {
    return this.#call(this.#verbs.cache, { key, result, ttl });
  }

  page(run: RunRef, from: number): Promise<readonly string[]> {
    return this.#call(this.#verbs.page, { ...run, from });
  }

  async schedule(schedule: KeptSchedule): Promise<void> {
    await this.#call(this.#verbs.schedule, schedule);
  }

  unschedule(name: string): Promise<boolean> {
    return this.#call(this.#verbs.schedule, { name, kept: '', at: 0 });
  }

  schedules(which: 'due' | 'all'): Promise<Schedules> {
    return this.#call(this.#verbs.schedules, which);
  }

  tick(tick: { name: string; at: number; next: number | undefined }): Promise<boolean> {
    return this.#call(this.#verbs.tick, tick);
  }

  list(request: ListRequest): Promise<Listed> {
    return this.#call(this.#verbs.list, request);
  }

  count(workflows: readonly string[]): Promise<readonly RunCounts[]> {
    return this.#call(this.#verbs.count, workflows);
  }

  terminate(request: TerminateRequest): Promise<Terminated> {
    return this.#raising(() => this.#call(this.#verbs.terminate, request));
  }

  purge(run: RunRef & { token?: number }): Promise<Purged> {
    return this.#call(this.#verbs.purge, run);
  }

  archive(most: number): Promise<readonly ToArchive[]> {
    return this.#call(this.#verbs.archive, most);
  }

  demand(workflows: readonly string[]): Promise<readonly WorkflowDemand[]> {
    return this.#call(this.#verbs.demand, workflows);
  }

  place(id: string): Promise<{ readonly id: string; readonly isKept: boolean }> {
    return this.#call(this.#verbs.place, id);
  }

  openReader(name: string, token: number | undefined): Promise<OpenedReader> {
    return this.#raising(() =>
      this.#call(this.#verbs.reader, { name, token: String(token ?? ''), place: '' }),
    );
  }

  async moveReader({ name, token, place }: { name: string; token: number; place: string }): Promise<boolean> {
    const { word } = await this.#call(this.#verbs.reader, { name, token: String(token), place });
    return word === 'reader';
  }

  followEvents(): EventFollower {
    const reader = new StreamReader(this.#connectAlone(), this.#clock);
    const key = this.#keys.of('events');
    return {
      read: async (place, most) => (await reader.read([key], [place], most))[0] ?? [],
      recover: (signal) => reader.recover(signal),
      close: () => reader.close(),
    };
  }

  append(request: AppendRequest): Promise<Appended> {
    return this.#call(this.#verbs.append, request);
  }

  chunks(request: ChunksRequest): Promise<Chunks> {
    return this.#call(this.#verbs.chunks, request);
  }

  async listen(mailbox: string, { onMail, onListening }: MailListener): Promise<void> {
    const ear = await this.#caller.listen(this.#keys.mailbox(mailbox), {
      onMessage: onMail,
      onListening,
      // Without mail, workers look every third of their lease, and whoever waits asks again now and then.
      onRefused: () => {},
    });
    if (this.closed.aborted) ear.close();
    else this.#ears.push(ear);
  }

  #call<Request, Result>(verb: CallVerb<Request, Result>, request: Request): Promise<Result> {
    if (this.#agreement.isReached) return this.#caller.call(verb, request);
    return this.#agreement.reach().then(() => this.#caller.call(verb, request));
  }

  /** A token may be issued once the ceiling is raised, if there is one. */
  async #raising<T extends { readonly word: string }>(call: () => Promise<T>): Promise<T> {
    const answer = await call();
    if (answer.word !== 'early') return answer;
    return this.#replication.confirm().then(call, () => answer);
  }

  shut(): void {
    this.#replication.close();
    for (const ear of this.#ears.splice(0)) ear.close();
    this.#caller.close();
    this.#closing.abort();
  }
}

function refusalOf(app: string, reason: string): MisuseError | undefined {
  const [, layout] = /HOLDFASTLAYOUT (\d+)/.exec(reason) ?? [];
  if (layout === undefined) return undefined;
  return new MisuseError(
    `The workflow app "${app}" has key layout ${layout}, which this version does not know; nothing was done. Update @holdfast/workflow here.`,
  );
}
