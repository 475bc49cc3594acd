/**
 * What the Lua files do, over maps: each method is the verb of its name. For tests of workflows only.
 */

import type { Clock } from '@holdfast/kernel';
import { type Claim, nameOf, type RunRef } from './claim.js';
import { MemoryStreams } from './memory-streams.js';
import type {
  CommitRequest,
  Committed,
  Found,
  ReadResult,
  Retoken,
  Started,
  StartRequest,
  Told,
  Worked,
  WorkRequest,
} from './store.js';
import type { Appended, AppendRequest, Chunks, ChunksRequest } from './stream-store.js';

/** What a run is that is not over. */
type Life =
  | { readonly word: 'ready' | 'parked' | 'stuck' }
  | (Claim & { readonly word: 'owned'; commits: number });

const MOST_FALLS = 5;
const PAGE = 2_000;

export class MemoryPartition {
  readonly #clock: Clock;
  /** By run and generation. */
  readonly #journals = new Map<string, string[]>();
  readonly #generations = new Map<string, string>();
  /** Until when runs are kept that are over, in ms. */
  readonly #ended = new Map<string, number>();
  readonly #states = new Map<string, string>();
  readonly #live = new Map<string, Life>();
  /** In the order in which they are claimed. */
  #ready: string[] = [];
  readonly #due = new Map<string, number>();
  readonly #sessions = new Map<string, { ends: number; calls: number }>();
  readonly #sleepers = new Map<string, Set<string>>();
  readonly #falls = new Map<string, number>();
  readonly #stuck = new Map<string, string>();
  readonly #waiters = new Map<string, Set<string>>();
  readonly #ears = new Map<string, (text: string) => void>();
  readonly #streams = new MemoryStreams((mailbox, text) => void this.#mail(mailbox, text));
  #token = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(mailbox: string, hear: (text: string) => void): void {
    this.#ears.set(mailbox, hear);
  }

  unlisten(mailbox: string): void {
    this.#ears.delete(mailbox);
  }

  start({ run, generation, header, mailbox }: StartRequest): Started {
    const known = this.#generationOf(run);
    if (known !== undefined) return { word: known === generation ? 'same' : 'exists', generation: known };
    this.#generations.set(run, generation);
    this.#journals.set(nameOf({ run, generation }), [header]);
    this.#states.delete(run);
    if (mailbox !== '') this.#waiters.set(run, new Set([mailbox]));
    this.#makeReady(run, false);
    return { word: 'ready', generation };
  }

  prolong(session: string, lease: number): void {
    const { calls = 0 } = this.#sessions.get(session) ?? {};
    this.#sessions.set(session, { ends: this.#now() + lease, calls });
  }

  renew(session: string, lease: number): boolean {
    const known = this.#sessions.get(session);
    if (!known || known.ends === 0) return false;
    this.prolong(session, lease);
    return true;
  }

  close(session: string): void {
    if (this.#sessions.delete(session)) this.#free(session, false);
  }

  /** The worker of a session is dead, for all that anybody knows. */
  expire(session: string): void {
    const known = this.#sessions.get(session);
    if (known) known.ends = 0;
  }

  work({ session, lease, want, number, workflows }: WorkRequest): Worked | undefined {
    if (!this.renew(session, lease)) return undefined;
    const known = this.#sessions.get(session) as { calls: number };
    const wanted = number > known.calls ? want : 0;
    known.calls = Math.max(known.calls, number);
    this.#reap();
    this.#letGo();
    for (const run of [...this.#ended.keys()]) this.#generationOf(run);
    const claims: Claim[] = [];
    for (const workflow of workflows) {
      const left = wanted - claims.length;
      const waiting = this.#ready.filter((run) => workflowOf(run) === workflow).slice(0, left);
      for (const run of waiting) claims.push(this.#claim(run, session));
      if (waiting.length < left) this.#sleepersOf(workflow).add(session);
    }
    const times = [...this.#due.values(), ...[...this.#sessions.values()].map(({ ends }) => ends)];
    const soon = Math.max(0, Math.min(...times) - this.#now());
    return { now: this.#now(), soon, epoch: '1', claims };
  }

  commit(request: CommitRequest): Committed {
    const { run, commits, ending, records, state } = request;
    const life = this.#ownedBy(request);
    if (!life) return { word: 'stale', length: 0 };
    if (life.commits !== commits) return { word: 'behind', length: 0 };
    const journal = this.#journals.get(nameOf(request)) ?? [];
    journal.push(...records);
    if (records.length > 0) this.#falls.delete(run);
    if (state !== undefined) this.#states.set(run, state);
    life.commits += 1;
    const { length } = journal;
    if (ending.word === 'park' && length !== ending.known + records.length) return { word: 'again', length };
    if (ending.word === 'park') this.#park(run, ending.due);
    else if (ending.word === 'back') this.#makeReady(run, true);
    else if (ending.word === 'stuck') this.#makeStuck(run, ending.reason);
    else if (ending.word === 'end') this.#end(run, records.at(-1) ?? '', ending.retain);
    return { word: 'committed', length };
  }

  read(claim: Claim, from: number): ReadResult {
    const journal = this.#journals.get(nameOf(claim)) ?? [];
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

  tell({ run, generation }: RunRef, record: string): Told {
    const known = this.#generationOf(run);
    if (known === undefined) return { word: 'unknown' };
    if (known !== generation) return { word: 'gen', generation: known };
    const life = this.#live.get(run);
    if (!life) return { word: 'over' };
    this.#journals.get(nameOf({ run, generation }))?.push(record);
    if (life.word === 'owned') this.#mailTo(life.session, `m${run}`);
    if (life.word === 'parked') this.#makeReady(run, false);
    return { word: 'told' };
  }

  find({ run, generation: asked }: RunRef, mailbox: string): Found {
    const generation = this.#generationOf(run);
    if (generation === undefined) return { word: 'unknown' };
    const life = this.#live.get(run);
    const state = this.#states.get(run) ?? '';
    if (!life && asked !== generation) return { word: 'gen', generation };
    if (!life)
      return { word: 'over', generation, state, detail: this.page({ run, generation }, -1)[0] ?? '' };
    if (life.word === 'stuck')
      return { word: 'stuck', generation, state, detail: this.#stuck.get(run) ?? '' };
    if (mailbox !== '') {
      const waiters = this.#waiters.get(run) ?? new Set();
      this.#waiters.set(run, waiters.add(mailbox));
    }
    return { word: life.word, generation, state, detail: '' };
  }

  retry(run: string): 'ready' | 'going' | 'unknown' {
    const life = this.#live.get(run);
    if (!life) return 'unknown';
    if (life.word !== 'stuck') return 'going';
    this.#stuck.delete(run);
    this.#falls.delete(run);
    this.#makeReady(run, false);
    return 'ready';
  }

  page(run: RunRef, from: number): readonly string[] {
    return this.#journals.get(nameOf(run))?.slice(from).slice(0, PAGE) ?? [];
  }

  /** Undefined if there is no such run, or if it is over and its time to be kept too. */
  #generationOf(run: string): string | undefined {
    const kept = this.#ended.get(run);
    if (kept !== undefined && kept <= this.#now()) this.#forget(run);
    return this.#generations.get(run);
  }

  #forget(run: string): void {
    const generation = this.#generations.get(run) ?? '';
    this.#journals.delete(nameOf({ run, generation }));
    this.#streams.forget({ run, generation });
    this.#states.delete(run);
    this.#generations.delete(run);
    this.#ended.delete(run);
  }

  append(request: AppendRequest): Appended {
    return this.#ownedBy(request) ? this.#streams.append(request) : { word: 'stale', count: 0 };
  }

  chunks(request: ChunksRequest): Chunks {
    const generation = this.#generationOf(request.run);
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

  #ownedBy({ run, token, session }: Claim): (Life & { word: 'owned' }) | undefined {
    const life = this.#live.get(run);
    return life?.word === 'owned' && life.token === token && life.session === session ? life : undefined;
  }

  #claim(run: string, session: string): Claim {
    const claim = { run, generation: this.#generations.get(run) ?? '', token: this.#issue(), session };
    this.#ready = this.#ready.filter((each) => each !== run);
    this.#live.set(run, { ...claim, word: 'owned', commits: 0 });
    return claim;
  }

  #makeReady(run: string, first: boolean): void {
    this.#due.delete(run);
    this.#live.set(run, { word: 'ready' });
    if (first) this.#ready.unshift(run);
    else this.#ready.push(run);
    const sleepers = this.#sleepersOf(workflowOf(run));
    for (const session of sleepers) {
      sleepers.delete(session);
      if (this.#mailTo(session, 'b')) return;
    }
  }

  #park(run: string, due: number): void {
    this.#live.set(run, { word: 'parked' });
    if (due > 0) this.#due.set(run, due);
  }

  #makeStuck(run: string, reason: string): void {
    this.#live.set(run, { word: 'stuck' });
    this.#stuck.set(run, reason);
    this.#tellWaiters(run, `s${run}\n${reason}`);
  }

  #end(run: string, last: string, retain: number): void {
    this.#live.delete(run);
    this.#ended.set(run, this.#now() + retain);
    this.#streams.end({ run, generation: this.#generations.get(run) ?? '' });
    this.#tellWaiters(run, `e${run}\n${last}`);
  }

  #tellWaiters(run: string, text: string): void {
    for (const mailbox of this.#waiters.get(run) ?? []) this.#mail(mailbox, text);
    this.#waiters.delete(run);
  }

  #free(session: string, fell: boolean): void {
    for (const [run, life] of [...this.#live]) {
      if (life.word !== 'owned' || life.session !== session) continue;
      const falls = (this.#falls.get(run) ?? 0) + (fell ? 1 : 0);
      this.#falls.set(run, falls);
      if (falls < MOST_FALLS) this.#makeReady(run, true);
      else this.#makeStuck(run, `its worker died or stalled ${MOST_FALLS} times without a step in between`);
    }
  }

  #reap(): void {
    for (const [session, { ends }] of this.#sessions) {
      if (ends > this.#now()) continue;
      this.#sessions.delete(session);
      this.#free(session, true);
      return;
    }
  }

  #letGo(): void {
    for (const [run, due] of [...this.#due]) if (due <= this.#now()) this.#makeReady(run, false);
  }

  #sleepersOf(workflow: string): Set<string> {
    const sleepers = this.#sleepers.get(workflow) ?? new Set();
    this.#sleepers.set(workflow, sleepers);
    return sleepers;
  }

  #mailTo(session: string, text: string): boolean {
    return this.#mail(session.slice(0, session.indexOf('.')), text);
  }

  /** Whether anybody hears it, which is not before this call is over. */
  #mail(mailbox: string, text: string): boolean {
    const hear = this.#ears.get(mailbox);
    hear?.(text);
    return hear !== undefined;
  }
}
const workflowOf = (run: string): string => run.slice(0, run.indexOf('/'));
