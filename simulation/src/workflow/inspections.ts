/**
 * Judges what the server tells operators of the runs, and that it keeps to the limits of workflows.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { workflowOf } from './names.js';
import { type Answer, type Entry, entryOf, type View } from './view.js';

/** The states of runs that are not over, in the order in which they are counted, by the words of LIVE. */
const STATES: readonly string[] = ['rl', 'dk', 'o', 'p', 's'];
const LIMITED = 'tree';

export class Inspections {
  readonly #view: View;
  readonly #violate: Violate;
  /** Whether the server may have more than the limits allow: it has forgotten them for a while. */
  #isLax = false;

  constructor(view: View, violate: Violate) {
    this.#view = view;
    this.#violate = violate;
  }

  /** The server may have forgotten limits. */
  forgets(): void {
    this.#isLax = true;
  }

  /** The server has carried out a call that reads. */
  told({ verb, args }: Call, answer: Answer): void {
    if (verb === 'count') this.#counted(args, answer.slice(1) as readonly string[]);
    if (verb === 'list') this.#listed(args, answer.slice(2) as readonly string[]);
  }

  /** The server has carried out a call that changes something. */
  judgeLimits(): void {
    const kept = this.#view.hash('limits').get(`${LIMITED}:pace`);
    if (kept === undefined || this.#isLax) return;
    const [, waiting, concurrency] = kept.split(' ').map(Number);
    const lives = this.#livesOf(LIMITED);
    // Those that are to be ended unbegun do not go on.
    const owned = lives.filter(({ word, build }) => word === 'o' && build !== 'e').length;
    if (concurrency && owned > concurrency)
      this.#violate('limits', `${owned} runs of ${LIMITED} are owned, of ${concurrency} at the most`);
    const begins = lives.filter(({ expires }) => expires !== '-').length;
    if (waiting && begins > waiting)
      this.#violate('limits', `${begins} runs of ${LIMITED} wait to begin, of ${waiting} at the most`);
  }

  #livesOf(workflow: string): readonly Entry[] {
    return [...this.#view.hash('live')].flatMap(([run, text]) =>
      workflowOf(run) === workflow ? entryOf(text) : [],
    );
  }

  #counted(workflows: readonly string[], answers: readonly string[]): void {
    for (const [index, workflow] of workflows.entries()) {
      const lives = this.#livesOf(workflow);
      const counts = STATES.map((words) => lives.filter(({ word }) => words.includes(word)).length);
      const told = answers[index]?.split(' ').slice(0, STATES.length).join(' ');
      // Those that are to be ended unbegun wait for no worker of their workflow.
      const ends = lives.filter(({ word, build }) => word === 'r' && build === 'e').length;
      const least = [(counts[0] ?? 0) - ends, ...counts.slice(1)].join(' ');
      if (told !== counts.join(' ') && told !== least)
        this.#violate('counts', `${workflow} is counted as ${told}, but there are ${counts.join(' ')}`);
    }
  }

  #listed([workflow = '', kind]: readonly string[], fields: readonly string[]): void {
    const known = this.#view.hash(kind === 'live' ? 'live' : 'over');
    for (let at = 0; at < fields.length; at += 3) {
      const [run = '', state] = fields.slice(at, at + 2);
      const text = known.get(run);
      const is = text && (kind === 'live' ? entryOf(text).word.replace('k', 'd') : text.split(' ')[1]);
      if (is !== state || (workflow !== '' && workflowOf(run) !== workflow))
        this.#violate('list', `${run} is listed as ${state} of "${workflow}", but is ${is}`);
    }
  }
}
