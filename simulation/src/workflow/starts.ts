/**
 * Judges starts: there is one run for an id, and one for each tick of a schedule, when its time has come.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { runNamed } from './names.js';
import type { Answer, View } from './view.js';

/** Arguments of a start. */
const START = 11;

export class Starts {
  readonly #view: View;
  readonly #violate: Violate;
  /** Runs that were started, and are kept. */
  readonly #started = new Set<string>();

  constructor(view: View, violate: Violate) {
    this.#view = view;
    this.#violate = violate;
  }

  /** The server may have forgotten starts. */
  forgets(): void {
    this.#started.clear();
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, answer: Answer): void {
    if (verb === 'start') this.#judge(args, answer.slice(1) as readonly string[]);
    if (verb === 'purge' && answer[0] === 'purged') this.#started.delete(args[0] ?? '');
    if (verb === 'tick' && answer[0] === 'ticked') this.#ticked(args);
  }

  #judge(args: readonly string[], words: readonly string[]): void {
    for (const [index, word] of words.entries()) {
      const run = args[START * index] ?? '';
      if (!/^(?:ready|delayed|line|owned)/.test(word)) continue;
      if (this.#started.has(run)) this.#violate('one run', `${run} is started, but has been before`);
      this.#started.add(run);
      const [, time] = /schedule%3A\w+%3A(\d+)$/.exec(run) ?? [];
      if (Number(time ?? 0) > this.#view.now)
        this.#violate('tick', `${run} is started at ${this.#view.now}, before its time`);
    }
  }

  /** The next tick is set: the runs of those before are there. */
  #ticked([name = '', first = '', next = '']: readonly string[]): void {
    const every = /"every":(\d+)/.exec(this.#view.hash('schedules').get(name) ?? '')?.[1];
    if (every === undefined) return;
    const kept = this.#view.hash('gen');
    for (let time = Number(first); time < Number(next); time += Number(every)) {
      const run = runNamed('tree', `schedule:${name}:${time}`);
      if (!kept.has(run) && !this.#started.has(run))
        this.#violate('tick', `the next tick of ${name} is ${next}, but that of ${time} has no run`);
    }
  }
}
