/**
 * Judges what somebody is told who follows all events: of each run in the order in which they happen, and in the end of all.
 *
 * Guarantees: events may be given again. Where the server has forgotten events, only their order is judged; and where it has
 * forgotten twice, not even that: the second time may begin below the first.
 */
import type { WorkflowEvent } from '@holdfast/workflow';
import type { Violate } from '../run/part.js';
import type { Journals } from './journals.js';

type EventOfRun = Exclude<WorkflowEvent, { kind: 'gap' }>;

export class Tidings {
  readonly #journals: Journals;
  readonly #violate: Violate;
  readonly #given = new Set<string>();
  /** The place of the latest new event, in the stream of the server. */
  #latest = '';
  /** The last that there is. */
  #last: string | undefined;
  /** What each run has come to, as it was told last. */
  readonly #said = new Map<string, string>();

  constructor(journals: Journals, violate: Violate) {
    this.#journals = journals;
    this.#violate = violate;
  }

  /** `run`: what it is called in Redis; `isInOrder`: whether the event is behind all that were given before. */
  given(event: EventOfRun, run: string, isInOrder: boolean): void {
    const { id, kind } = event;
    if (this.#given.has(id)) return;
    this.#given.add(id);
    if (isInOrder && !isBehind(id, this.#latest))
      this.#violate(
        'events',
        `"${kind}" of ${run}, ${id}, is given for the first time behind ${this.#latest}`,
      );
    this.#latest = id;
    this.#said.set(run, kind === 'ended' ? event.status : kind);
  }

  /** The server has carried out a call. `last`: its last event; `isInOrder`: as above. */
  look(last: string | undefined, isInOrder: boolean): void {
    if (last === undefined || last === this.#last) return;
    this.#last = last;
    if (isInOrder && this.#latest !== '' && !isBehind(last, this.#latest))
      this.#violate('events', `${last} happens, but ${this.#latest} was given to a reader before`);
  }

  /** The server may have forgotten: what it has now is what there is. */
  adopt(last: string | undefined): void {
    this.#last = last;
  }

  /** The place of a reader is kept. */
  moved(place: string): void {
    if (isBehind(`0:${place}`, this.#latest))
      this.#violate(
        'events',
        `a reader is taken to be at ${place}, but was given none behind ${this.#latest}`,
      );
  }

  /** Whether the end of each run that is over was told. */
  get untold(): readonly string[] {
    return [...this.#journals.latest].flatMap(({ run, end, outcome }) =>
      end !== undefined && this.#said.get(run) !== outcome?.status ? run : [],
    );
  }
}

/** Ids are "<partition>:<ms>-<number>". */
function isBehind(id: string, other: string): boolean {
  const [, ms = 0, number = 0] = id.split(/[:-]/).map(Number);
  const [, otherMs = 0, otherNumber = 0] = other.split(/[:-]/).map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
