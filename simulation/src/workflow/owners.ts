/**
 * Who owns which run, as the server's answers have made it, and what they accept.
 *
 * Guarantees: each answer is judged when it is given, by what was answered before: a run has one owner, whose session goes on
 * or is over; tokens rise; what is accepted is the owner's, in its turn; what is its own is not refused.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { Journals } from './journals.js';
import { type Answer, claimsOf, type View } from './view.js';

interface Owner {
  readonly token: number;
  readonly session: string;
  /** That were accepted. */
  commits: number;
}

/** Arguments of a commit, before its records, and of each of its effects. */
const HEAD = 10;
const EFFECT = 5;
/** Arguments of an advance, before its records. */
const ADVANCE = 6;
/** Arguments of a start. */
const START = 11;
/** Arguments of an append, before its chunks. */
const APPEND = 8;

export class Owners {
  claims = 0;
  readonly #view: View;
  readonly #journals: Journals;
  readonly #violate: Violate;
  readonly #owners = new Map<string, Owner>();
  /** Until when each session goes on, in ms by the server. */
  readonly #sessions = new Map<string, number>();
  /** The highest token of all. */
  #highest = 0;

  constructor(view: View, journals: Journals, violate: Violate) {
    this.#view = view;
    this.#journals = journals;
    this.#violate = violate;
  }

  get highest(): number {
    return this.#highest;
  }

  /** The token under which a run is owned; Infinity if it is not. */
  claimOf(run: string): number {
    return this.#owners.get(run)?.token ?? Number.POSITIVE_INFINITY;
  }

  /** The server may have forgotten: nobody knows what is owned until it says so. Tokens are in order all the same. */
  forgets(): void {
    this.#owners.clear();
    this.#sessions.clear();
  }

  /** The server has carried out a call. */
  look(call: Call, answer: Answer): void {
    const reply = answer as readonly string[];
    const [word] = reply;
    const [session = '', lease] = call.args;
    if (word === 'opened' || word === 'renewed' || word === 'worked')
      this.#sessions.set(session, this.#view.now + Number(lease));
    if (word === 'worked') this.#claimed(session, answer);
    if (word === 'closed') this.#closed(session);
    if (call.verb === 'commit') this.#committed(call.args, reply.slice(1));
    if (call.verb === 'advance') this.#advanced(call.args, answer.slice(1));
    if (call.verb === 'append') this.#appended(call.args, reply.slice(1));
    if (call.verb === 'start') this.#started(call.args, reply.slice(1));
    if (word === 'token') this.#issued(Number(reply[1]), `an attempt of ${session}`);
    if (word === 'terminated') this.#terminated(call.args[0] ?? '');
    if (call.verb === 'anew' && word === 'ready' && call.args[8] !== '')
      this.#owners.delete(call.args[0] ?? '');
    this.#compare();
  }

  #issued(token: number, whom: string): void {
    if (token <= this.#highest)
      this.#violate('token order', `${whom} has the token ${token} after ${this.#highest}`);
    this.#highest = Math.max(this.#highest, token);
  }

  /** Under a token above all that its owner has. */
  #terminated(run: string): void {
    this.#issued(this.#journals.of(run)?.endedUnder ?? 0, `the end of ${run}`);
    this.#owners.delete(run);
  }

  #claimed(session: string, reply: Answer): void {
    const now = Number(reply[1]);
    const claims = claimsOf(reply);
    if (claims.some(({ mark }) => mark === '!')) this.#judgeSuspect(session, claims.length);
    for (const [index, { run }] of claims.entries())
      this.#claim(run, { token: Number(reply[4]) + index, session, commits: 0 }, now);
  }

  /** What has fallen again and again goes on alone, so that it takes no other with it. */
  #judgeSuspect(session: string, claims: number): void {
    const others = [...this.#owners].filter(([, owner]) => owner.session === session).map(([run]) => run);
    if (claims > 1 || others.length > 0)
      this.#violate('suspect', `a suspect is one of ${claims} claimed by ${session}, which has: ${others}`);
  }

  #claim(run: string, owner: Owner, now: number): void {
    this.claims += 1;
    this.#issued(owner.token, run);
    const before = this.#owners.get(run);
    const ends = before && this.#sessions.get(before.session);
    if (ends !== undefined && ends > now)
      this.#violate(
        'mutual exclusion',
        `${run} is claimed while ${before?.session} has it for ${ends - now} ms`,
      );
    if (this.#journals.of(run)?.end !== undefined) this.#violate('end', `${run} is claimed, but is over`);
    this.#owners.set(run, owner);
  }

  #started(args: readonly string[], words: readonly string[]): void {
    for (const [index, word] of words.entries()) {
      const [run = ''] = args.slice(START * index);
      const session = args[START * index + 8] ?? '';
      const token = /^owned (\d+)$/.exec(word)?.[1];
      if (token === undefined) continue;
      const { now } = this.#view;
      const ends = this.#sessions.get(session);
      if (ends !== undefined && ends <= now)
        this.#violate('session', `${run} is given to ${session}, which is over for ${now - ends} ms`);
      this.#claim(run, { token: Number(token), session, commits: 0 }, now);
    }
  }

  #committed(args: readonly string[], words: readonly string[]): void {
    let at = 0;
    for (const answer of words) {
      const [word = ''] = answer.split(' ');
      const [run = '', token, commits, session, , ending = ''] = args.slice(at, at + HEAD);
      this.#judge(run, { token: Number(token), commits: Number(commits), session: session ?? '' }, word);
      if (word === 'committed' && ending !== 'go') this.#owners.delete(run);
      at += HEAD + Number(args[at + HEAD - 1]) + EFFECT * Number(args[at + HEAD - 2]);
    }
  }

  #advanced(args: readonly string[], answers: readonly unknown[]): void {
    let at = 0;
    for (const answer of answers) {
      const word = typeof answer === 'number' ? 'committed' : (String(answer).split(' ')[0] ?? '');
      const [run = '', token, owned = ''] = args.slice(at, at + ADVANCE);
      const [, commits, session = ''] = owned.split(':');
      this.#judge(run, { token: Number(token), commits: Number(commits), session }, word);
      at += ADVANCE + Number(args[at + ADVANCE - 1]);
    }
  }

  #judge(run: string, claim: Owner, word: string): void {
    const owner = this.#owners.get(run);
    const isOwner = owner?.token === claim.token && owner.session === claim.session;
    const is = `the owner is ${JSON.stringify(owner)}`;
    if (word === 'committed' || word === 'again') {
      if (!isOwner) this.#violate('stale commit', `${run}: ${JSON.stringify(claim)} was accepted; ${is}`);
      else if (owner.commits !== claim.commits)
        this.#violate(
          'stale commit',
          `${run}: commit ${claim.commits} was accepted as number ${owner.commits}`,
        );
      if (claim.token < Number(this.#view.hash('meta').get('epoch')))
        this.#violate(
          'epoch',
          `${run}: a commit under ${claim.token} was accepted, which is of an earlier epoch`,
        );
      if (owner) owner.commits += 1;
    } else if (isOwner && word !== 'epoch' && owner.commits === claim.commits) {
      this.#violate('refused', `${run}: commit ${claim.commits} of ${claim.session} is ${word}, but ${is}`);
    }
  }

  #appended(args: readonly string[], words: readonly string[]): void {
    let at = 0;
    for (const answer of words) {
      const [run = '', token, session] = args.slice(at, at + APPEND);
      const owner = this.#owners.get(run);
      const isOwner = owner?.token === Number(token) && owner.session === session;
      if (answer.startsWith('appended') && !isOwner)
        this.#violate(
          'stale chunk',
          `${run}: a chunk under ${token} was accepted, but ${JSON.stringify(owner)} has it`,
        );
      if (answer.startsWith('appended') && Number(token) < Number(this.#view.hash('meta').get('epoch')))
        this.#violate('epoch', `${run}: a chunk under ${token} was accepted, which is of an earlier epoch`);
      at += APPEND + Number(args[at + APPEND - 1]);
    }
  }

  /** What the server has of owners is what it has said, but for those whose sessions are over. */
  #compare(): void {
    const { now } = this.#view;
    for (const [run, owner] of this.#owners) {
      const entry = this.#view.entry(run);
      if (entry?.token === owner.token && entry.session === owner.session) {
        if (entry.commits === owner.commits) continue;
        this.#violate('count', `${run} counts ${entry.commits} commits, but ${owner.commits} were accepted`);
        owner.commits = entry.commits ?? 0;
        continue;
      }
      const ends = this.#sessions.get(owner.session);
      if (ends !== undefined && ends > now)
        this.#violate('taken', `${run} was taken from ${owner.session}, which has it for ${ends - now} ms`);
      this.#owners.delete(run);
    }
  }

  #closed(session: string): void {
    if (this.#sessions.has(session)) this.#sessions.set(session, 0);
    for (const [run, owner] of this.#owners) if (owner.session === session) this.#owners.delete(run);
  }
}
