/**
 * Judges keys: of the runs of one key, one at a time goes on, in the order of their starts.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { Journals } from './journals.js';
import { lineOf } from './names.js';
import { type Answer, claimsOf } from './view.js';

/** Arguments of a start. */
const START = 11;

export class Lines {
  readonly #journals: Journals;
  readonly #violate: Violate;
  /** Runs of a key that are not delayed, in the order of their starts. */
  readonly #order = new Map<string, string[]>();
  /** Runs of a key that a worker has had. */
  readonly #begun = new Map<string, Set<string>>();

  /** Generations that were begun over another's journal. */
  readonly #anew = new Set<string>();

  constructor(journals: Journals, violate: Violate) {
    this.#journals = journals;
    this.#violate = violate;
  }

  /** The server may have forgotten starts. */
  forgets(): void {
    this.#order.clear();
    this.#begun.clear();
  }

  /** The server has carried out a call, and the journals are as it has left them. */
  look({ verb, args }: Call, answer: Answer): void {
    if (verb === 'start') this.#started(args, answer.slice(1) as readonly string[]);
    if (verb === 'anew' && answer[0] === 'ready') this.#startedAnew(args);
    if (answer[0] !== 'worked') return;
    // What is to end before it has begun does not begin.
    for (const { run, mark } of claimsOf(answer)) if (mark !== 'e') this.#begins(run);
  }

  #started(args: readonly string[], words: readonly string[]): void {
    for (const [index, word] of words.entries()) {
      const run = args[START * index] ?? '';
      const line = lineOf(run);
      if (line === undefined || !/^(?:ready|line|owned)/.test(word)) continue;
      this.#order.set(line, [...(this.#order.get(line) ?? []), run]);
      if (word.startsWith('owned')) this.#begins(run);
    }
  }

  /** A run that was over, or is begun over another's journal, is the last of its line. */
  #startedAnew([from, , run = '', generation]: readonly string[]): void {
    const line = lineOf(run);
    const journal = this.#journals.of(run);
    if (line === undefined || journal?.generation !== generation || this.#anew.has(`${run}.${generation}`))
      return;
    if (from === run && journal?.before?.end === undefined) return;
    this.#anew.add(`${run}.${generation}`);
    this.#begun.get(line)?.delete(run);
    this.#order.set(line, [...(this.#order.get(line) ?? []).filter((other) => other !== run), run]);
  }

  #begins(run: string): void {
    const line = lineOf(run);
    if (line === undefined) return;
    const begun = this.#begun.get(line) ?? new Set();
    this.#begun.set(line, begun);
    for (const other of begun) {
      if (other === run) continue;
      if (this.#isOver(other)) begun.delete(other);
      else this.#violate('one of a key', `${run} goes on, but ${other} has begun and is not over`);
    }
    if (!begun.has(run)) this.#judgeOrder(run, line);
    begun.add(run);
  }

  #judgeOrder(run: string, line: string): void {
    const order = (this.#order.get(line) ?? []).filter((other) => other === run || !this.#isOver(other));
    this.#order.set(line, order);
    const place = order.indexOf(run);
    if (place > 0)
      this.#violate('order of a key', `${run} begins, but ${order[0]}, which came before it, has not`);
  }

  #isOver(run: string): boolean {
    return this.#journals.of(run)?.end !== undefined;
  }
}
