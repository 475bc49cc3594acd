/**
 * Judges when runs begin: not before their delay is over, not behind the time by which they had to, not while their workflow
 * is paused, and those of a higher priority first.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { workflowOf } from './names.js';
import { type Answer, claimsOf, servedBy, type View } from './view.js';

/** Arguments of a start. */
const START = 11;

interface Kept {
  /** By the server, in ms since 1970; 0 for at once, and for at any time. */
  readonly due: number;
  readonly expires: number;
}

export class Terms {
  readonly #view: View;
  readonly #violate: Violate;
  readonly #kept = new Map<string, Kept>();
  /** Runs that a worker has had. */
  readonly #begun = new Set<string>();
  /** Workflows that are paused. */
  readonly #held = new Set<string>();

  constructor(view: View, violate: Violate) {
    this.#view = view;
    this.#violate = violate;
  }

  /** The server may have forgotten. What it still has of a run is as it was. */
  forgets(): void {
    this.#held.clear();
  }

  /** Whether the time by which a run had to begin is over. */
  hasExpired(run: string): boolean {
    const { expires = 0 } = this.#kept.get(run) ?? {};
    return expires > 0 && expires <= this.#view.now;
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, answer: Answer): void {
    const [word] = answer;
    const [workflow = '', isHeld] = args;
    if (word === 'held' && isHeld === '1') this.#held.add(workflow);
    else if (word === 'held') this.#held.delete(workflow);
    if (verb === 'start') this.#started(args, answer.slice(1) as readonly string[]);
    // It is asked for once more: when it had to begin at first does not matter.
    if (verb === 'anew' && word === 'ready') this.#kept.delete(args[2] ?? '');
    if (word === 'worked') this.#claimed(args, answer);
  }

  #started(args: readonly string[], words: readonly string[]): void {
    for (const [index, word] of words.entries()) {
      const [run = '', , , , , , delay, expires] = args.slice(START * index);
      if (!/^(?:ready|delayed|line|owned)/.test(word)) continue;
      const due = word === 'delayed' ? this.#view.now + Number(delay) : 0;
      this.#kept.set(run, { due, expires: Number(expires) });
      if (word.startsWith('owned')) this.#begun.add(run);
    }
  }

  #claimed(args: readonly string[], answer: Answer): void {
    const now = Number(answer[1]);
    // What is to end before it has begun does not begin.
    const runs = claimsOf(answer).flatMap(({ run, mark }) => (mark === 'e' ? [] : run));
    for (const run of runs) {
      const { due, expires } = this.#kept.get(run) ?? { due: 0, expires: 0 };
      if (this.#held.has(workflowOf(run)))
        this.#violate('pause', `${run} is claimed, but ${workflowOf(run)} is paused`);
      if (due > now) this.#violate('delay', `${run} is claimed ${due - now} ms before its delay is over`);
      const isNew = !this.#begun.has(run);
      this.#begun.add(run);
      if (isNew && expires > 0 && expires < now)
        this.#violate('expiry', `${run} begins ${now - expires} ms behind the time by which it had to`);
    }
    // Suspects are given out before all others, whatever their priority.
    const inOrder = claimsOf(answer).flatMap(({ run, mark }) => (mark === '' ? run : []));
    this.#judgePriority(inOrder, servedBy(args));
  }

  /** What still waits of a workflow has no higher priority than what was claimed of it. */
  #judgePriority(runs: readonly string[], served: ReadonlyMap<string, string>): void {
    for (const entry of this.#view.scores('work').keys()) {
      const [, lane = '', pin, build, rank = '', other = ''] =
        /^r (\w+) (=?)(\S+) (\d) \d+ (.*)$/.exec(entry) ?? [];
      const own = Number.parseInt(served.get(lane) ?? '', 10);
      const needed = Number(build === '-' ? 0 : build);
      // Its worker may not have it.
      if (pin === '=' ? own !== needed : own < needed) continue;
      const lower = lane && runs.find((run) => workflowOf(run) === lane && this.#rankOf(run) > Number(rank));
      if (lower)
        this.#violate('priority', `${lower} is claimed, but ${other} waits, which has a higher priority`);
    }
  }

  /** 0 for the highest. */
  #rankOf(run: string): number {
    const [, , , priority] = this.#view.hash('live').get(run)?.split(':') ?? [];
    return 9 - Number(priority);
  }
}
