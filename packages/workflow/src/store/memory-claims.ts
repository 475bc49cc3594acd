/**
 * Which runs of a partition in memory a session gets: what lua/claim.lua and lua/suspects.lua do. For tests of workflows only.
 */
import type { RunRef } from './claim.js';
import { type Life, type MemoryDispatch, type Wanted, workflowOf } from './memory-dispatch.js';
import type { MemoryLimits } from './memory-limits.js';
import type { MemorySessions } from './memory-sessions.js';
import type { Claimed, WorkRequest } from './store.js';

/** What it needs of the partition. */
export interface ClaimsHost {
  readonly dispatch: MemoryDispatch;
  readonly limits: MemoryLimits;
  readonly sessions: MemorySessions;
  /** In ms. */
  readonly now: () => number;
  /** A token above all before. */
  readonly issue: () => number;
  readonly generationOf: (run: string) => string;
  readonly journal: (run: RunRef) => readonly string[];
}

/** So many records are told with the claim. */
const SHORT = 64;

export class MemoryClaims {
  readonly #host: ClaimsHost;
  /** The session that gets no more until it has none, because a suspect waits for it. */
  #drains = '';

  constructor(host: ClaimsHost) {
    this.#host = host;
  }

  /** How many may be owned besides, how many of those may be such as have not begun, and in how many ms more of them may. */
  admit(workflow: string, most: number): { allowed: number; fresh: number; wait: number } {
    const { dispatch, limits, now } = this.#host;
    return limits.admit(workflow, { most, owned: dispatch.count(workflow).owned, now: now() });
  }

  claim(life: Life, session: string, mark: Claimed['mark']): Claimed {
    const { dispatch, limits, now, issue, generationOf, journal } = this.#host;
    const { run } = life;
    const token = issue();
    if (life.expires !== undefined) limits.noteBegins(workflowOf(run), 1, now());
    dispatch.own(life, session, token);
    const ref = { run, generation: generationOf(run) };
    const records = journal(ref);
    const falls = dispatch.falls.get(run) ?? 0;
    return { ...ref, token, session, mark, falls, records: records.length > SHORT ? [] : [...records] };
  }

  /** `wait`: in how many ms more may be claimed. */
  claims(
    { session, workflows, builds = {} }: WorkRequest,
    wanted: number,
  ): { claims: readonly Claimed[]; drains: boolean; wait: number } {
    const { dispatch, sessions } = this.#host;
    const wantedOf = (workflow: string, most: number): Wanted & { wait: number } => {
      const { allowed, fresh, wait } = this.admit(workflow, most);
      return { workflow, build: builds[workflow] ?? '0', most: allowed, fresh, wait };
    };
    const claims = dispatch.ending(wanted).map((life) => this.claim(life, session, 'ends'));
    let most = wanted;
    const suspect =
      most > claims.length &&
      workflows.flatMap((workflow) => dispatch.waiting(wantedOf(workflow, 1), true)).at(0);
    let drains = false;
    if (suspect && !dispatch.owns(session)) {
      claims.push(this.claim(suspect, session, 'suspect'));
      most = claims.length;
      if (this.#drains === session) this.#drains = '';
    } else if (suspect && (this.#drains === session || !sessions.has(this.#drains))) {
      this.#drains = session;
      drains = true;
      most = claims.length;
    }
    let wait = Number.POSITIVE_INFINITY;
    for (const workflow of workflows) {
      const left = most - claims.length;
      const wants = wantedOf(workflow, left);
      const waiting = dispatch.waiting(wants, false);
      claims.push(...waiting.map((life) => this.claim(life, session, '')));
      if (waiting.length < left) dispatch.sleeps(session, wants);
      wait = Math.min(wait, wants.wait);
    }
    return { claims, drains, wait };
  }
}
