/**
 * A partition in memory, for tests of workflows: the verbs of lua/ over maps, with a clock that is passed in. Several stores
 * may stand on one partition, as several processes on one server.
 *
 * Guarantees: those of the port, as far as the contract suite (test/contract.ts) checks them. It does not restart.
 */

import { AbortedError, type Clock, MisuseError } from '@holdfast/kernel';
import type { Claim, RunRef } from './claim.js';
import type { EventFollower, OpenedReader, WorkflowDemand } from './event-store.js';
import { EPOCH, type MemoryPartition } from './memory-partition.js';
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

export class MemoryStore implements Store {
  readonly issuer: string;
  readonly askAgain = Number.POSITIVE_INFINITY;
  readonly isReplicated = false;
  readonly problem = undefined;
  readonly #clock: Clock;
  readonly #partition: MemoryPartition;
  readonly #closing = new AbortController();
  readonly #mailboxes: string[] = [];

  constructor(clock: Clock, partition: MemoryPartition, number = 0) {
    this.issuer = `workflow:memory.${number}`;
    this.#clock = clock;
    this.#partition = partition;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  start(request: StartRequest): Promise<Started> {
    return this.#answer(() => this.#partition.start(request));
  }

  declare(limits: DeclaredLimits): Promise<Declared> {
    return this.#answer(() => this.#partition.declare(limits));
  }

  hold(workflow: string, isHeld: boolean): Promise<void> {
    return this.#answer(() => this.#partition.hold(workflow, isHeld));
  }

  replicated(): Promise<string> {
    return this.#answer(() => EPOCH);
  }

  proof(run: RunRef, claim?: Claim): Promise<Proof> {
    return this.#answer(() => this.#partition.proof(run, claim));
  }

  open(session: string, lease: number): Promise<void> {
    return this.#answer(() => this.#partition.sessions.prolong(session, lease));
  }

  renew(session: string, lease: number): Promise<true | undefined> {
    return this.#answer(() => this.#partition.sessions.renew(session, lease) || undefined);
  }

  close(session: string): Promise<void> {
    return this.#answer(() => this.#partition.close(session));
  }

  serve(request: ServeRequest): Promise<Served | undefined> {
    return this.#answer(() => this.#partition.serve(request));
  }

  work(request: WorkRequest): Promise<Worked | undefined> {
    return this.#answer(() => this.#partition.work(request));
  }

  commit(request: CommitRequest): Promise<Committed> {
    return this.#answer(() => this.#partition.commit(request));
  }

  read(claim: Claim, from: number): Promise<ReadResult> {
    return this.#answer(() => this.#partition.read(claim, from));
  }

  retoken(claim: Claim, seen: number): Promise<Retoken> {
    return this.#answer(() => this.#partition.retoken(claim, seen));
  }

  tell(run: RunRef, record: string, isResult?: boolean): Promise<Told> {
    return this.#answer(() => this.#partition.tell(run, record, isResult));
  }

  find(run: RunRef, mailbox: string): Promise<Found> {
    return this.#answer(() => this.#partition.find(run, mailbox));
  }

  retry(run: string): Promise<'ready' | 'going' | 'unknown'> {
    return this.#answer(() => this.#partition.retry(run));
  }

  anew(request: AnewRequest): Promise<Anew> {
    return this.#answer(() => this.#partition.anew(request));
  }

  cached(key: string): Promise<string | undefined> {
    return this.#answer(() => this.#partition.cache.get(key, this.#clock.wall() / 1_000));
  }

  cache(key: string, result: string, ttl: number): Promise<void> {
    return this.#answer(() => this.#partition.cache.set(key, result, this.#clock.wall() / 1_000 + ttl));
  }

  page(run: RunRef, from: number): Promise<readonly string[]> {
    return this.#answer(() => this.#partition.page(run, from));
  }

  schedule(schedule: KeptSchedule): Promise<void> {
    return this.#answer(() => this.#partition.schedules.schedule(schedule));
  }

  unschedule(name: string): Promise<boolean> {
    return this.#answer(() => this.#partition.schedules.unschedule(name));
  }

  schedules(which: 'due' | 'all'): Promise<Schedules> {
    return this.#answer(() => this.#partition.schedules.schedules(which));
  }

  tick(tick: { name: string; at: number; next: number | undefined }): Promise<boolean> {
    return this.#answer(() => this.#partition.schedules.tick(tick));
  }

  list(request: ListRequest): Promise<Listed> {
    return this.#answer(() => this.#partition.list(request));
  }

  count(workflows: readonly string[]): Promise<readonly RunCounts[]> {
    return this.#answer(() => this.#partition.count(workflows));
  }

  terminate(request: TerminateRequest): Promise<Terminated> {
    return this.#answer(() => this.#partition.terminate(request));
  }

  purge(run: RunRef & { token?: number }): Promise<Purged> {
    return this.#answer(() => this.#partition.purge(run));
  }

  archive(most: number): Promise<readonly ToArchive[]> {
    return this.#answer(() => this.#partition.archive(most));
  }

  demand(workflows: readonly string[]): Promise<readonly WorkflowDemand[]> {
    return this.#answer(() => this.#partition.demand(workflows));
  }

  place(id: string): Promise<{ readonly id: string; readonly isKept: boolean }> {
    return this.#answer(() => this.#partition.events.place(id));
  }

  openReader(reader: string, token: number | undefined): Promise<OpenedReader> {
    return this.#answer(() => this.#partition.events.openReader(reader, token));
  }

  moveReader(reader: { name: string; token: number; place: string }): Promise<boolean> {
    return this.#answer(() => this.#partition.events.moveReader(reader));
  }

  followEvents(): EventFollower {
    return this.#partition.events.follow();
  }

  append(request: AppendRequest): Promise<Appended> {
    return this.#answer(() => this.#partition.append(request));
  }

  chunks(request: ChunksRequest): Promise<Chunks> {
    return this.#answer(() => this.#partition.chunks(request));
  }

  listen(mailbox: string, listener: MailListener): Promise<void> {
    this.#mailboxes.push(mailbox);
    return this.#answer(() => {
      this.#partition.mail.listen(mailbox, (text) => this.#clock.afterInput(() => listener.onMail(text)));
      this.#clock.afterInput(listener.onListening);
    });
  }

  shut(): void {
    for (const mailbox of this.#mailboxes) this.#partition.mail.unlisten(mailbox);
    this.#closing.abort();
  }

  /** Carries out a call, and answers in a later turn of the event loop, as a server does. */
  #answer<T>(carryOut: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.closed.aborted) return reject(new MisuseError('The workflow app is closed; create another.'));
      this.#clock.afterInput(() => {
        if (this.closed.aborted)
          return reject(new AbortedError('The workflow app was closed; nothing was done.', undefined));
        const result = carryOut();
        this.#clock.afterInput(() => resolve(result));
      });
    });
  }
}
