/**
 * Where runs are, as the server has it: each that is not over in the one place that LIVE names, and counted there.
 */
import type { Violate } from '../run/part.js';
import { lineOf, workflowOf } from './names.js';
import { type Entry, entryOf, type View } from './view.js';

/** Of the entries of WORK and LINES, which end with the run. */
const runIn = (entry: string): string => entry.slice(entry.lastIndexOf(' ') + 1);

export class Places {
  readonly #view: View;
  readonly #violate: Violate;

  /** Of each parked run, since when it is parked, and how long its journal was then. */
  #parked = new Map<string, { readonly entry: string; readonly length: number }>();
  /** Of each run that is stuck, why. */
  #stuck = new Map<string, string>();

  constructor(view: View, violate: Violate) {
    this.#view = view;
    this.#violate = violate;
  }

  /** The server may have forgotten. */
  forgets(): void {
    this.#parked.clear();
  }

  /** After each call that moves runs. */
  look(): void {
    const live = new Map([...this.#view.hash('live')].map(([run, text]) => [run, entryOf(text)]));
    const places = this.#places();
    for (const [run, entry] of live) {
      const found = places.get(run)?.join(', ') ?? '';
      if (!isRight(entry, found))
        this.#violate('place', `${run} is "${entry.word}", but in: ${found === '' ? 'no place' : found}`);
    }
    for (const [run, found] of places) {
      if (!live.has(run)) this.#violate('place', `${run} is over, but in: ${found.join(', ')}`);
    }
    this.#judgeParked();
    this.#judgeStuck();
    this.#judgeSessions(live);
    this.#judgeTally(live);
    this.#judgeHolders(live);
  }

  /** Where each run stands. */
  #places(): ReadonlyMap<string, readonly string[]> {
    const places = new Map<string, string[]>();
    const put = (run: string, place: string): void => {
      const found = places.get(run);
      if (found) found.push(place);
      else places.set(run, [place]);
    };
    for (const entry of this.#view.scores('work').keys()) put(runIn(entry), entry.charAt(0));
    for (const entry of this.#view.scores('lines').keys()) put(runIn(entry), 'l');
    for (const run of this.#view.scores('due').keys()) put(run, 'due');
    for (const run of this.#view.hash('stuck').keys()) put(run, 's');
    return places;
  }

  /** A parked run has seen all of its journal: what comes in makes it ready. */
  #judgeParked(): void {
    const parked = new Map<string, { entry: string; length: number }>();
    for (const [run, entry] of this.#view.hash('live')) {
      if (!entry.startsWith('p')) continue;
      const length = this.#view.journal(run, this.#view.hash('gen').get(run) ?? '')?.length ?? 0;
      const before = this.#parked.get(run);
      if (before?.entry === entry && before.length !== length)
        this.#violate(
          'parked',
          `${run} is parked, but its journal has grown from ${before.length} to ${length}`,
        );
      parked.set(run, { entry, length });
    }
    this.#parked = parked;
  }

  /** All functions go the way of their journals, so only workers that fall make a run stuck. */
  #judgeStuck(): void {
    const stuck = this.#view.hash('stuck');
    for (const [run, reason] of stuck) {
      if (this.#stuck.get(run) !== reason && !reason.startsWith('its worker died or stalled'))
        this.#violate('way', `${run} is stuck: ${reason}`);
    }
    this.#stuck = new Map(stuck);
  }

  /** Who owns something has a session. */
  #judgeSessions(live: ReadonlyMap<string, Entry>): void {
    const sessions = this.#view.scores('sessions');
    for (const [run, { session }] of live) {
      if (session !== undefined && !sessions.has(session))
        this.#violate('session', `${run} is owned by ${session}, which is no session`);
    }
  }

  #judgeTally(live: ReadonlyMap<string, Entry>): void {
    const counts = new Map<string, number>();
    for (const [run, { word, expires }] of live) {
      const add = (what: string): void => {
        const field = `${workflowOf(run)}:${what}`;
        counts.set(field, (counts.get(field) ?? 0) + 1);
      };
      if (word !== 'r') add(word === 'k' ? 'd' : word);
      if (expires !== '-') add('u');
    }
    for (const [field, count] of this.#view.hash('tally')) {
      if (/:[opdlsu]$/.test(field) && Number(count) !== (counts.get(field) ?? 0))
        this.#violate('tally', `${field} is ${count}, but there are ${counts.get(field) ?? 0}`);
      counts.delete(field);
    }
    for (const [field, count] of counts)
      this.#violate('tally', `${field} is nothing, but there are ${count}`);
  }

  /** Who has a key is not over, and a run waits for its key only if another has it. */
  #judgeHolders(live: ReadonlyMap<string, Entry>): void {
    const holders = this.#view.hash('holders');
    for (const [line, run] of holders) {
      if (!live.has(run)) this.#violate('key', `${run} has the key of ${line}, but is over`);
    }
    for (const [run, { word, build }] of live) {
      const line = lineOf(run);
      if (line === undefined || build === 'e') continue; // one that is to end before it has begun needs no key
      if (word === 'l' && !holders.has(line))
        this.#violate('key', `${run} waits for its key, which nobody has`);
      const mayBeWithout = word === 'l' || word === 'k';
      if (!mayBeWithout && holders.get(line) !== run)
        this.#violate('key', `${run} is "${word}", but ${holders.get(line)} has its key`);
    }
  }
}

function isRight({ word, expires, build }: Entry, found: string): boolean {
  switch (word) {
    case 'r':
      return build === 'e' ? found === 'e' : found === 'r' || (expires !== '-' && found === 'r, due');
    case 'l':
      return found === 'l' || (expires !== '-' && found === 'l, due');
    case 'd':
    case 'k':
      return found === 'due';
    case 'p':
      return found === 'due' || found === '';
    default:
      return found === word;
  }
}
