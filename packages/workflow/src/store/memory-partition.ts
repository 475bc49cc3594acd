/**
 * What the Lua files do, over maps: each method is the verb of its name. For tests of workflows only.
 */

import type { Clock } from '@holdfast/kernel';
import type { Command } from '@holdfast/redis';
import type { Claim, RunRef } from './claim.js';
import type { WorkflowDemand } from './event-store.js';
import { MemoryArchives } from './memory-archives.js';
import { MemoryCache } from './memory-cache.js';
import { MemoryChildren } from './memory-children.js';
import { MemoryClaims } from './memory-claims.js';
import { MemoryDemand } from './memory-demand.js';
import { higher, type Life, MemoryDispatch, workflowOf } from './memory-dispatch.js';
import { MemoryEvents } from './memory-events.js';
import { MemoryKept } from './memory-kept.js';
import { MemoryLimits } from './memory-limits.js';
import { MemoryMail } from './memory-mail.js';
import { countsOf, listOf } from './memory-runs.js';
import { MemorySchedules } from './memory-schedules.js';
import { MemorySessions } from './memory-sessions.js';
import { MemoryStreams } from './memory-streams.js';
import type {
  Listed,
  ListRequest,
  Purged,
  RunCounts,
  Terminated,
  TerminateRequest,
  ToArchive,
} from './run-store.js';
import type {
  Anew,
  AnewRequest,
  CommitRequest,
  Committed,
  Declared,
  DeclaredLimits,
  Ending,
  Found,
  Full,
  Proof,
  ReadResult,
  Retoken,
  Served,
  ServeRequest,
  Started,
  StartRequest,
  Told,
  Worked,
  WorkRequest,
} from './store.js';
import type { Appended, AppendRequest, Chunks, ChunksRequest } from './stream-store.js';

/** It has one server. */
export const EPOCH = '1';
const MOST_FALLS = 5;
const PAGE = 2_000;
/** In place of a record that is left out. */
const BLANK = 'V -\n{}';

export class MemoryPartition {
  readonly #clock: Clock;
  readonly #dispatch: MemoryDispatch;
  readonly #children: MemoryChildren;
  readonly #claims: MemoryClaims;
  readonly sessions = new MemorySessions(
    () => this.#now(),
    () => this.schedules.begin(),
  );
  readonly #stuck = new Map<string, string>();
  readonly mail = new MemoryMail();
  readonly schedules = new MemorySchedules(() => this.#now());
  readonly #limits = new MemoryLimits();
  readonly cache = new MemoryCache();
  readonly #streams = new MemoryStreams((mailbox, text) => void this.mail.send(mailbox, text));
  readonly #kept = new MemoryKept(
    () => this.#now(),
    (run) => this.#streams.forget(run),
  );
  readonly #demand = new MemoryDemand();
  /** Commands of steps, which there is no Redis to carry out. */
  readonly writes: Command[] = [];
  readonly #archives = new MemoryArchives(() => this.#now());
  readonly events: MemoryEvents;
  #token = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.events = new MemoryEvents(clock, (seen) => this.#issue(seen));
    this.#dispatch = new MemoryDispatch((session) => this.mail.sendTo(session, 'b'));
    this.#claims = new MemoryClaims({
      ...{ dispatch: this.#dispatch, limits: this.#limits, sessions: this.sessions },
      now: () => this.#now(),
      issue: () => this.#issue(),
      generationOf: (run) => this.#kept.current(run).generation,
      journal: (run) => this.#kept.journal(run),
    });
    this.#children = new MemoryChildren({
      isLive: (run) => this.#live.has(run),
      generationOf: (run) => this.#kept.generationOf(run),
      last: (run) => this.#kept.journal(this.#kept.current(run)).at(-1),
      begin: ({ run, generation, header }, priority) => {
        this.start({ run, generation, header, mailbox: '', under: { priority } });
      },
      deliver: (run, record) => this.#deliver(this.#live.get(run) as Life, record),
      mail: (mailbox, text) => void this.mail.send(mailbox, text),
    });
  }

  get #live(): Map<string, Life> {
    return this.#dispatch.lives;
  }

  start({ run, generation, header, mailbox, under = {} }: StartRequest): Started {
    const known = this.#kept.generationOf(run);
    if (known !== undefined) return { word: known === generation ? 'same' : 'exists', generation: known };
    const { keyed = false, priority = 0, delay = 0, expires = 0, limits = 0, owner } = under;
    const workflow = workflowOf(run);
    const refusal = this.#refusal(workflow, limits);
    if (refusal) return { ...refusal, generation };
    this.#kept.begin({ run, generation }, [header]);
    this.#kept.states.delete(run);
    this.mail.awaits(run, mailbox);
    this.events.happened(run, 'started');
    const life: Life = {
      ...{ run, keyed, priority, expires, word: 'delayed', build: '0', since: 0 },
      ...{ due: this.#now() + delay, token: 0, session: '', commits: 0 },
    };
    this.#live.set(run, life);
    if (delay > 0) return { word: 'delayed', generation };
    const { session = '' } = owner ?? {};
    const isOpen = this.sessions.isValid(session) && this.#claims.admit(workflow, 1).fresh > 0;
    const word = this.#dispatch.enter(life);
    if (word !== 'ready' || !isOpen) return { word, generation };
    const { token } = this.#claims.claim(life, session, '');
    return { word: 'owned', generation, token };
  }

  /** Why a run may not come in: the limits of its workflow are not kept, or let no more wait. */
  #refusal(
    workflow: string,
    version: number,
  ): { word: 'undeclared' } | { word: 'full'; full: Full } | undefined {
    if (version > this.#limits.versionOf(workflow)) return { word: 'undeclared' };
    const most = this.#limits.waitingOf(workflow);
    const isFull = this.#dispatch.count(workflow).unbegun >= most;
    return isFull ? { word: 'full', full: { wait: 1_000, most } } : undefined;
  }

  declare(limits: DeclaredLimits): Declared {
    const declared = this.#limits.declare(limits);
    this.#dispatch.ringAll(limits.workflow);
    return declared;
  }

  hold(workflow: string, isHeld: boolean): void {
    this.#limits.hold(workflow, isHeld);
    if (!isHeld) this.#dispatch.ringAll(workflow);
  }

  close(session: string): void {
    if (this.sessions.close(session)) this.#free(session, false);
  }

  serve({ session, archives = false, workflows, builds = {} }: ServeRequest): Served | undefined {
    const its = new Map(workflows.map((workflow) => [workflow, builds[workflow] ?? '0']));
    if (!this.sessions.serve(session, its)) return undefined;
    if (archives) this.#archives.begin();
    for (const [workflow, build] of its)
      for (const { run } of this.#dispatch.noteBuild(workflow, build)) this.#stuck.delete(run);
    const unserved = workflows.flatMap((workflow) => {
      const [build] = this.#unserved(workflow).map((life) => life.build);
      return build === undefined ? [] : { workflow, build };
    });
    return { isMore: false, unserved };
  }

  #unserved(workflow: string): readonly Life[] {
    return this.#dispatch.unserved(workflow, this.sessions.buildsOf(workflow));
  }

  work(request: WorkRequest): Worked | undefined {
    const { session, lease, want, number } = request;
    if (!this.sessions.renew(session, lease)) return undefined;
    const wanted = this.sessions.isNext(session, number) ? want : 0;
    for (const over of this.sessions.takeOver(session)) this.#free(over, true);
    this.#dispatch.letGo(this.#now());
    this.#kept.sweep();
    const { claims, drains, wait } = this.#claims.claims(request, wanted);
    const times = [this.#now() + wait, this.#dispatch.due, this.sessions.firstEnd];
    const soon = Math.max(0, Math.min(...times) - this.#now());
    return { now: this.#now(), soon, epoch: EPOCH, claims, drains, isLow: false };
  }

  commit(request: CommitRequest): Committed {
    const { run, commits, ending, records, state, effects = [], build = '0' } = request;
    const life = this.#ownedBy(request);
    if (!life) return { word: 'stale', length: 0 };
    if (life.commits !== commits) return { word: 'behind', length: 0 };
    this.#kept.append(request, ...records);
    if (records.length > 0) this.#dispatch.falls.delete(run);
    if (records.length > 0 || ending.word === 'park') life.build = higher(life.build, build);
    if (state !== undefined) this.#kept.states.set(run, state);
    life.commits += 1;
    for (const effect of effects) {
      if (effect.word === 'write') this.writes.push(effect.command);
      else this.#children.carryOut(effect, life.priority, (record) => this.#kept.append(request, record));
    }
    const { length } = this.#kept.journal(request);
    if (ending.word === 'park' && length !== ending.known + records.length) return { word: 'again', length };
    if (ending.word === 'park') this.#park(life, ending);
    else if (ending.word === 'back') this.#giveBack(life, ending);
    else if (ending.word === 'stuck' && !(ending.isUnfit && this.#dispatch.handUp(life, build)))
      this.#makeStuck(life, ending.reason);
    else if (ending.word === 'end') this.#end(run, records.at(-1) ?? '', ending);
    if (ending.word !== 'go' && this.#limits.hasConcurrency(workflowOf(run))) {
      this.#dispatch.ringAll(workflowOf(run), 1);
    }
    return { word: 'committed', length };
  }

  read(claim: Claim, from: number): ReadResult {
    const journal = this.#kept.journal(claim);
    const last = journal.at(-1);
    if (!this.#live.has(claim.run) && last !== undefined) return { word: 'over', last };
    const life = this.#ownedBy(claim);
    if (!life) return { word: 'stale' };
    const records = journal.slice(from, from + PAGE);
    return { word: 'owned', commits: life.commits, length: journal.length, records };
  }

  retoken(claim: Claim, seen: number): Retoken {
    if (!this.#ownedBy(claim)) return { word: 'stale' };
    return { word: 'token', token: this.#issue(seen) };
  }

  proof({ run, generation }: RunRef, claim: Claim | undefined): Proof {
    const isOver = !this.#live.has(run) && this.#kept.generationOf(run) === generation;
    return {
      epoch: EPOCH,
      generation: this.#kept.generationOf(run) ?? '',
      isOwned: claim !== undefined && this.#ownedBy(claim) !== undefined,
      last: isOver ? (this.#kept.journal({ run, generation }).at(-1) ?? '') : '',
    };
  }

  tell({ run, generation }: RunRef, record: string, isResult = false): Told {
    const known = this.#kept.generationOf(run);
    if (known === undefined) return { word: 'unknown' };
    if (known !== generation) return { word: 'gen', generation: known };
    const life = this.#live.get(run);
    if (!life && isResult) this.#kept.late({ run, generation }, record);
    if (!life) return { word: 'over' };
    this.#deliver(life, record);
    return { word: 'told' };
  }

  #deliver(life: Life, record: string): void {
    const { run } = life;
    this.#kept.append(this.#kept.current(run), record);
    if (life.word === 'owned') this.mail.sendTo(life.session, `m${run}`);
    if (life.word === 'parked') this.#dispatch.makeReady(life, false);
    else if (life.expires !== undefined && record.startsWith('X')) this.#dispatch.endUnbegun(life);
  }

  find({ run, generation: asked }: RunRef, mailbox: string): Found {
    const generation = this.#kept.generationOf(run);
    if (generation === undefined) return { word: 'unknown' };
    const life = this.#live.get(run);
    const state = this.#kept.states.get(run) ?? '';
    if (!life && asked !== generation) return { word: 'gen', generation };
    if (!life)
      return { word: 'over', generation, state, detail: this.page({ run, generation }, -1)[0] ?? '' };
    if (life.word === 'stuck')
      return { word: 'stuck', generation, state, detail: this.#stuck.get(run) ?? '' };
    this.mail.awaits(run, mailbox);
    const isUnserved =
      mailbox === '' && life.word === 'ready' && this.#unserved(workflowOf(run)).includes(life);
    return { word: life.word, generation, state, detail: isUnserved ? life.build : '' };
  }

  retry(run: string): 'ready' | 'going' | 'unknown' {
    const life = this.#live.get(run);
    if (!life) return 'unknown';
    if (life.word !== 'stuck') return 'going';
    this.#stuck.delete(run);
    this.#dispatch.falls.delete(run);
    this.#dispatch.makeReady(life, false);
    return 'ready';
  }

  anew({ from, to, header, cut, drop, take, length, claim, limits = 0 }: AnewRequest): Anew {
    const isSame = from.run === to.run;
    const there = this.#kept.generationOf(to.run);
    if (there === to.generation) return { word: 'ready' };
    if (!isSame && there !== undefined) return { word: 'exists', generation: there };
    const known = this.#kept.generationOf(from.run);
    if (known === undefined) return { word: 'unknown' };
    if (known !== from.generation) return { word: 'gen', generation: known };
    const life = this.#live.get(from.run);
    if (claim) {
      const owned = this.#ownedBy({ ...from, ...claim });
      if (!owned) return { word: 'stale' };
      if (owned.commits !== claim.commits) return { word: 'behind' };
    } else if (isSame && life && life.word !== 'stuck') {
      return { word: 'going' };
    }
    const source = this.#kept.journal(from);
    if (isSame && source.length !== length) return { word: 'again', length: source.length };
    const refusal = isSame ? undefined : this.#refusal(workflowOf(to.run), limits);
    if (refusal) return refusal;
    const kept = source.slice(1, cut + 1).map((each, index) => (drop.includes(index + 1) ? BLANK : each));
    const taken = take.map((place) => source[place] ?? '');
    const terms = life ?? this.#kept.over.get(from.run)?.terms ?? { priority: 0, build: '0' };
    const late = isSame ? this.#kept.lateOf(from) : [];
    this.#kept.begin(to, [header, ...kept, ...taken, ...late]);
    if (cut > 0) this.#streams.copy(from, to);
    if (isSame) this.#streams.end(from);
    this.#dispatch.falls.delete(to.run);
    this.#stuck.delete(to.run);
    if (!isSame) this.#kept.states.delete(to.run);
    if (!isSame) this.mail.forget(to.run);
    if (isSame && life) this.#dispatch.makeReady(life, false);
    else {
      this.events.happened(to.run, 'started');
      this.#dispatch.enterAgain(to.run, terms, isSame ? undefined : 0);
    }
    return { word: 'ready' };
  }

  page(run: RunRef, from: number): readonly string[] {
    return this.#kept.journal(run).slice(from).slice(0, PAGE);
  }

  demand(workflows: readonly string[]): readonly WorkflowDemand[] {
    return this.#demand.of([...this.#live.values()], workflows, (of) => ({
      unserved: this.#unserved(of).length,
      paused: this.#limits.isHeld(of),
    }));
  }

  list(request: ListRequest): Listed {
    return listOf(this.#live, this.#kept.over, request);
  }

  count(workflows: readonly string[]): readonly RunCounts[] {
    return workflows.map((workflow) => countsOf(this.#live, this.#kept.over, workflow));
  }

  terminate({ run, generation, last: [before, behind], retain, cancel }: TerminateRequest): Terminated {
    const known = this.#kept.generationOf(run);
    if (known === undefined) return { word: 'unknown' };
    const life = this.#live.get(run);
    if (!life) return { word: 'over' };
    if (known !== generation) return { word: 'gen', generation: known };
    const last = `${before}${this.#issue(life.token)}${behind}`;
    this.#kept.append({ run, generation }, last);
    this.#children.tellAll(this.#kept.journal({ run, generation }), cancel);
    if (life.word === 'owned') this.mail.sendTo(life.session, `m${run}`);
    this.#stuck.delete(run);
    this.#end(run, last, { word: 'end', retain, status: 'cancelled' });
    return { word: 'terminated' };
  }

  archive(most: number): readonly ToArchive[] {
    const runs = this.#archives.handOver(most, (run) => {
      const isOver = this.#kept.generationOf(run) !== undefined && !this.#live.has(run);
      return isOver ? this.#issue() : undefined;
    });
    return runs.map((run) => ({ ...this.#kept.current(run), token: this.#archives.tokenOf(run) ?? 0 }));
  }

  purge({ run, generation, token }: RunRef & { readonly token?: number }): Purged {
    const known = this.#kept.generationOf(run);
    if (known === undefined) return { word: 'unknown' };
    if (this.#live.has(run)) return { word: 'going' };
    if (known !== generation) return { word: 'gen', generation: known };
    if (token !== undefined && token !== this.#archives.tokenOf(run)) return { word: 'stale' };
    this.#kept.forget(run);
    return { word: 'purged' };
  }

  append(request: AppendRequest): Appended {
    return this.#ownedBy(request) ? this.#streams.append(request) : { word: 'stale', count: 0 };
  }

  chunks(request: ChunksRequest): Chunks {
    const generation = this.#kept.generationOf(request.run);
    if (generation === undefined) return { word: 'unknown' };
    if (generation !== request.generation) return { word: 'gen', generation };
    return this.#streams.chunks(request, this.#live.has(request.run));
  }

  #now(): number {
    return Math.floor(this.#clock.wall() / 1_000);
  }

  #issue(seen = 0): number {
    this.#token = Math.max(this.#clock.wall(), this.#token + 1, seen + 1);
    return this.#token;
  }

  #ownedBy({ run, token, session }: Claim): Life | undefined {
    const life = this.#live.get(run);
    return life?.word === 'owned' && life.token === token && life.session === session ? life : undefined;
  }

  #park(life: Life, { due, waitsFor }: Ending & { word: 'park' }): void {
    Object.assign(life, { word: 'parked', due });
    if (waitsFor.length > 0) this.events.happened(life.run, 'waiting', JSON.stringify(waitsFor));
  }

  #giveBack(life: Life, { delay }: Ending & { word: 'back' }): void {
    if (delay === undefined) this.#dispatch.makeReady(life, true);
    else Object.assign(life, { word: 'delayed', due: this.#now() + delay });
  }

  #makeStuck(life: Life, reason: string): void {
    life.word = 'stuck';
    this.#stuck.set(life.run, reason);
    this.events.happened(life.run, 'stuck', reason);
    this.mail.tellWaiters(life.run, `s${life.run}\n${reason}`);
  }

  #end(run: string, last: string, ending: Ending & { word: 'end' }): void {
    const retain = this.#archives.kept(run, ending.retain);
    this.#kept.end(run, { ...ending, retain }, this.#live.get(run) as Life);
    this.#streams.end(this.#kept.current(run));
    this.events.happened(run, 'ended', ending.status);
    this.mail.tellWaiters(run, `e${run}\n${last}`);
    this.#children.ended(run, last);
    this.#dispatch.end(run);
  }

  #free(session: string, fell: boolean): void {
    const { falls } = this.#dispatch;
    for (const life of [...this.#live.values()]) {
      if (life.word !== 'owned' || life.session !== session) continue;
      if (fell) falls.set(life.run, (falls.get(life.run) ?? 0) + 1);
      if (fell) this.#demand.fell(life);
      if (!fell || (falls.get(life.run) ?? 0) < MOST_FALLS) this.#dispatch.makeReady(life, true);
      else this.#makeStuck(life, `its worker died or stalled ${MOST_FALLS} times without a step in between`);
    }
  }
}
