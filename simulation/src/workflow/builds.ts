/**
 * Judges builds: a run goes on with the highest build that has committed to it, or a higher one; where builds are pinned, with
 * that very one.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { workflowOf } from './names.js';
import { type Answer, claimsOf, servedBy } from './view.js';

/** Arguments of a commit, before its records, and of each of its effects. */
const HEAD = 10;
const EFFECT = 5;
/** Arguments of an advance, before its records. */
const ADVANCE = 6;

export class Builds {
  readonly #violate: Violate;
  /** The highest build that has committed to each run. */
  readonly #built = new Map<string, string>();
  /** Runs that were claimed only to be ended: no function of theirs has run. */
  readonly #unbegun = new Set<string>();

  /** Of trees. */
  readonly #isPinned: boolean;

  constructor(isPinned: boolean, violate: Violate) {
    this.#isPinned = isPinned;
    this.#violate = violate;
  }

  /** The server may have forgotten commits. */
  forgets(): void {
    this.#built.clear();
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, answer: Answer): void {
    if (verb === 'commit') this.#committed(args, answer.slice(1) as readonly string[]);
    if (verb === 'advance') this.#advanced(args, answer.slice(1));
    if (verb === 'anew' && answer[0] === 'ready') this.#copied(args);
    if (verb === 'purge' && answer[0] === 'purged') this.#built.delete(args[0] ?? '');
    if (answer[0] === 'worked') this.#claimed(args, answer);
  }

  #committed(args: readonly string[], words: readonly string[]): void {
    let at = 0;
    for (const answer of words) {
      const [run = '', , , , build = '', ending, , , effects, records] = args.slice(at, at + HEAD);
      const isKept = /^(?:committed|again) /.test(answer) && build !== '' && !this.#unbegun.has(run);
      if (isKept && (records !== '0' || ending === 'park')) this.#raise(run, build);
      at += HEAD + Number(records) + EFFECT * Number(effects);
    }
  }

  #advanced(args: readonly string[], answers: readonly unknown[]): void {
    let at = 0;
    for (const answer of answers) {
      const [run = '', , , , build = '', records] = args.slice(at, at + ADVANCE);
      if (typeof answer === 'number') this.#raise(run, build);
      at += ADVANCE + Number(records);
    }
  }

  #raise(run: string, build: string): void {
    if (numberOf(build) >= numberOf(this.#built.get(run) ?? '0')) this.#built.set(run, build);
  }

  /** Another run goes over the journal of one, and needs a function that can. */
  #copied([from = '', , to = '']: readonly string[]): void {
    const build = this.#built.get(from);
    if (build !== undefined && !this.#built.has(to)) this.#built.set(to, build);
  }

  #claimed(args: readonly string[], answer: Answer): void {
    const served = servedBy(args);
    for (const { run, mark } of claimsOf(answer)) {
      const [build, needed] = [served.get(workflowOf(run)), this.#built.get(run)];
      if (mark === 'e') this.#unbegun.add(run);
      else this.#unbegun.delete(run);
      if (mark === 'e') continue;
      if (build === undefined) this.#violate('build', `${run} is claimed by a worker without its workflow`);
      else if (needed !== undefined && !this.#mayHave(run, build, needed))
        this.#violate(
          'build',
          `${run} is claimed by build ${build}, but build ${needed} has committed to it`,
        );
    }
  }

  #mayHave(run: string, build: string, needed: string): boolean {
    const [own, least] = [numberOf(build), numberOf(needed)];
    return this.#isPinned && workflowOf(run) === 'tree' ? own === least : own >= least;
  }
}

const numberOf = (build: string): number => Number.parseInt(build, 10);
