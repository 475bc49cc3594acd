/**
 * The journals of all runs, as the server has them, and what may become of them.
 *
 * Guarantees: every record is judged in the call that brings it: a journal only grows, what is done is done once, and it ends
 * as its program may end.
 */
import type { Violate } from '../run/part.js';
import { TERMINATED } from './names.js';
import { type Program, partsOf } from './program.js';
import { flawOf, type Outcome } from './verdict.js';
import type { View } from './view.js';

/** A record, by the letter of its kind. */
interface Kept {
  readonly letter: string;
  /** Of the call or the message; '-' if it is of none. */
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Journal {
  readonly run: string;
  readonly generation: string;
  readonly program: Program | undefined;
  /** That of the run's generation before; undefined if there is none. */
  readonly before: Journal | undefined;
  /** Whether it began as a part of another run's journal. */
  readonly isFork: boolean;
  /** The names of the steps that are to be undone, and of those that were, in their order. */
  readonly entered: string[];
  readonly undone: string[];
  readonly texts: string[];
  /** By letter and id of the call, those that may be there once. */
  readonly once: Map<string, Kept>;
  /** The token of the latest attempt of each step. */
  readonly tokens: Map<string, number>;
  /** What the body of each step has kept last. */
  readonly checkpoints: Map<string, unknown>;
  /** The names of steps whose ends carry out a command. */
  readonly effective: ReadonlySet<string>;
  /** The ids of its messages, in their order, without those that an earlier generation has taken. */
  readonly told: string[];
  readonly seen: ReadonlySet<unknown>;
  isCancelled: boolean;
  /** Its last record. */
  end: string | undefined;
  outcome: Outcome | undefined;
  /** The token of its last record. */
  endedUnder: number | undefined;
}

/** How far the clock of a worker may be ahead of the server's before it hears from it again, in ms. */
const DRIFT = 40;

export interface JournalOptions {
  /** A step with an effect is done. */
  readonly onEffect: (run: string, step: string, token: number) => void;
  /** A run has completed with this value. */
  readonly onValue: (value: unknown) => void;
  readonly clocksJump: boolean;
  /** Whether a run may end because it has not begun in time. */
  readonly hasExpired: (run: string) => boolean;
}

const isTerminated = (outcome: Outcome): boolean =>
  outcome.status === 'cancelled' && outcome.reason === TERMINATED;

/** Records of a call of which there is one: done and failed are both the end of a step. */
const ONCE: Readonly<Record<string, string>> = {
  S: 'end',
  E: 'end',
  D: 'over',
  C: 'child',
  T: 'timer',
  F: 'fired',
  K: 'entry',
};

export class Journals {
  readonly #view: View;
  readonly #violate: Violate;
  readonly #all = new Map<string, Journal>();
  /** By run, that of its latest generation. */
  readonly #latest = new Map<string, Journal>();

  /** What is still to be judged of the present call. */
  readonly #ends: (() => void)[] = [];

  readonly #options: JournalOptions;
  /** Generations that were begun over a part of another journal. */
  readonly #anew = new Set<string>();

  constructor(view: View, options: JournalOptions, violate: Violate) {
    this.#view = view;
    this.#options = options;
    this.#violate = violate;
  }

  get all(): Iterable<Journal> {
    return this.#all.values();
  }

  /** Those of the generations that count. */
  get latest(): Iterable<Journal> {
    return this.#latest.values();
  }

  /** What the body of a step has kept last. */
  checkpointOf(run: string, generation: string, step: string): unknown {
    return this.#all.get(`${run}.${generation}`)?.checkpoints.get(step);
  }

  of(run: string): Journal | undefined {
    return this.#latest.get(run);
  }

  /** A step is done, or has failed for good, in the journal that there is now. */
  hasEnded(run: string, generation: string, step: string): boolean {
    return this.#all.get(`${run}.${generation}`)?.once.has(`end ${step}`) ?? false;
  }

  /** A step is to be undone if the run fails. */
  isEntered(run: string, generation: string, step: string): boolean {
    return this.#all.get(`${run}.${generation}`)?.once.has(`entry ${step}`) ?? false;
  }

  /** The server has carried out a call: what is new is judged. */
  look(): void {
    for (const [run, generation] of this.#view.hash('gen')) {
      if (this.#latest.get(run)?.generation !== generation) this.#begin(run, generation);
    }
    for (const journal of this.#latest.values()) if (journal.end === undefined) this.#grow(journal);
    // The end of a child may be in the same call as the record of it.
    for (const judge of this.#ends.splice(0)) judge();
  }

  /** Whether a message is in any of the journals of a run. */
  hasMessage(run: string, id: string): boolean {
    const head = `M ${id}\n`;
    return [...this.#all.values()].some(
      (journal) => journal.run === run && journal.texts.some((text) => text.startsWith(head)),
    );
  }

  /** A run that goes over a part of a journal has all messages of that. `args` are those of `anew`. */
  startedAnew(args: readonly string[]): void {
    const [from, old, to = '', generation] = args;
    const journal = this.#latest.get(to);
    const source = this.#all.get(`${from}.${old}`);
    if (!source || !journal || journal.generation !== generation) return;
    if (this.#anew.has(`${to}.${generation}`)) return;
    this.#anew.add(`${to}.${generation}`);
    // One that goes on by itself knows those that it has taken.
    const lost = source.told.filter((id) => !journal.told.includes(id) && !journal.seen.has(id));
    if (lost.length > 0)
      this.#violate('messages', `${to} has not ${lost.join(', ')} of the journal of ${from}`);
    // What a fork has of another run it does not undo.
    const undone = source.isFork ? [] : source.undone.filter((name) => journal.entered.includes(name));
    if (undone.length > 0)
      this.#violate('undo', `${to} keeps what was undone by ${from}: ${undone.join(', ')}`);
  }

  /** The server may have forgotten: what it has now is what there is. */
  adopt(): void {
    this.#all.clear();
    this.#latest.clear();
    const nothing = (): void => {};
    const silent = new Journals(
      this.#view,
      { ...this.#options, onEffect: nothing, onValue: nothing },
      nothing,
    );
    silent.look();
    for (const journal of silent.all) this.#keep(journal);
  }

  #begin(run: string, generation: string): void {
    const [header] = this.#view.journal(run, generation) ?? [];
    if (header === undefined) return; // one that is kept no longer
    const { input, kept, seen, taken } = decode(header).body;
    const program = input as Program | undefined;
    this.#keep({
      ...{ run, generation, texts: [], once: new Map(), tokens: new Map(), told: [] },
      ...{ checkpoints: new Map(), effective: effectiveIn(program) },
      seen: new Set([seen ?? [], taken ?? []].flat()),
      ...{ entered: [], undone: [], isFork: kept !== undefined, before: this.#latest.get(run) },
      program,
      isCancelled: false,
      end: undefined,
      outcome: undefined,
      endedUnder: undefined,
    });
  }

  #keep(journal: Journal): void {
    this.#all.set(`${journal.run}.${journal.generation}`, journal);
    this.#latest.set(journal.run, journal);
  }

  #grow(journal: Journal): void {
    const { texts, run, generation } = journal;
    const now = this.#view.journal(run, generation) ?? [];
    if (now.length < texts.length || (texts.length > 0 && now[texts.length - 1] !== texts.at(-1)))
      this.#violate(
        'journal',
        `that of ${run} is another than before: ${texts.length} records, now ${now.length}`,
      );
    // What a generation begins with it has of another, where it was judged.
    const isCopy = texts.length === 0;
    for (const text of now.slice(texts.length)) {
      texts.push(text);
      if (journal.end !== undefined)
        this.#violate('journal', `that of ${run} goes on behind its end: ${text}`);
      this.#judge(journal, text, isCopy);
    }
  }

  #judge(journal: Journal, text: string, isCopy: boolean): void {
    const record = decode(text);
    const { letter, id, body } = record;
    const { run, once, tokens } = journal;
    const kind = ONCE[letter];
    if (kind !== undefined) {
      if (once.has(`${kind} ${id}`))
        this.#violate('once', `${run} has another record of ${kind} ${id}: ${text}`);
      once.set(`${kind} ${id}`, record);
    }
    if (letter === 'S' || letter === 'E' || letter === 'A') {
      const token = Number(body['token']);
      const before = tokens.get(id) ?? 0;
      if (token <= before)
        this.#violate('token order', `an attempt of ${id} of ${run} has the token ${token} after ${before}`);
      tokens.set(id, token);
    }
    if (letter === 'S' && !isCopy && journal.effective.has(String(body['name'])))
      this.#options.onEffect(run, id, Number(body['token']));
    if (letter === 'S' && !isCopy) this.#ends.push(() => this.#judgeLeft(journal, body['name']));
    if (letter === 'Q') journal.checkpoints.set(id, body['value']);
    if (letter === 'F') this.#judgeTimer(journal, id);
    if (letter === 'K') journal.entered.push(`undo ${body['name']}`);
    if (letter === 'S' && id.startsWith('~')) journal.undone.push(String(body['name']));
    if (letter === 'D') this.#ends.push(() => this.#judgeChild(journal, record));
    if (letter === 'M' && body['name'] === 'go') this.#tell(journal, id);
    if (letter === 'X') journal.isCancelled = true;
    if (letter === 'Z') {
      journal.endedUnder = Number(body['token']);
      this.#end(journal, text, body['outcome'] as Outcome);
    }
  }

  /** By the server's clock, which does not jump here. */
  #judgeTimer({ run, once }: Journal, id: string): void {
    const due = Number(once.get(`timer ${id}`)?.body['at'] ?? Number.NaN);
    if (!(due <= this.#view.now + DRIFT) && !this.#options.clocksJump)
      this.#violate('timer', `the timer ${id} of ${run} fires at ${this.#view.now}, but is due at ${due}`);
  }

  /** A step is done: children of the parts before it that still go on, for which nobody waits any more, are cancelled. */
  #judgeLeft({ run, program, once }: Journal, step: unknown): void {
    if (program?.f !== 'turn' || !run.startsWith('tree/')) return;
    for (const [what, { letter, id, body }] of once) {
      if (letter !== 'C' || once.has(`over ${id}`)) continue;
      const child = this.of(String(body['run']));
      if (!child || child.end !== undefined || child.isCancelled || child.before) continue;
      const place = childPlaceIn(child.program);
      // A shielded branch goes on, whoever waits for it.
      const part = program.parts[place];
      if (!part || partsOf(part).some(({ f }) => f === 'plain') || place >= placeIn(step)) continue;
      this.#violate('child', `${run} goes on with ${step}, but its ${what}, ${child.run}, does too`);
    }
  }

  #tell({ told, seen }: Journal, id: string): void {
    if (!told.includes(id) && !seen.has(id)) told.push(id);
  }

  /** The end of a child is told as it is. */
  #judgeChild({ run, once }: Journal, { id, body }: Kept): void {
    const child = String(once.get(`child ${id}`)?.body['run'] ?? '');
    const ended = this.of(child)?.outcome;
    if (child === '')
      this.#violate('child', `${run} is told of the end of a child ${id} that it has not begun`);
    else if (JSON.stringify(ended) !== JSON.stringify(body['outcome']))
      this.#violate('child', `${run} is told that ${child} has ended otherwise than it has`);
  }

  #end(journal: Journal, text: string, outcome: Outcome): void {
    const { run, program, told } = journal;
    journal.end = text;
    journal.outcome = outcome;
    const flaw = program && flawOf(program, outcome, told);
    // A run that goes over its way again may have a child that was cancelled with it.
    const isOfChild =
      journal.before && outcome.status === 'failed' && / was cancelled: /.test(outcome.error.message);
    if (flaw && !isOfChild) this.#violate('result', `${run}: ${flaw}`);
    if (outcome.status === 'completed') this.#options.onValue(outcome.value);
    if (outcome.status === 'completed' || isTerminated(outcome)) return;
    this.#judgeUndone(journal);
    if (outcome.status === 'failed' || journal.isCancelled) return;
    if (outcome.reason !== 'expired' || !this.#options.hasExpired(run))
      this.#violate('result', `${run} is cancelled: ${outcome.reason}; but nobody has cancelled it`);
  }

  /** What has begun and can be undone was undone, from the last to the first. */
  #judgeUndone({ run, program, once, isFork, isCancelled, entered, undone }: Journal): void {
    // What was done before it was about to go on by continueAs stays, also if a cancel comes first.
    if (program?.f === 'again' && isCancelled && undone.length === 0) return;
    const byHand = program ? partsOf(program).filter(({ f }) => f === 'compensate') : [];
    const names = byHand.map((part) => `undo ${nameOf(part)}`);
    const steps = undone.filter((name) => !names.includes(name));
    const expected = entered.toReversed();
    // A fork leaves alone what it has of the other run.
    const judged = isFork ? expected.slice(0, steps.length) : expected;
    if (JSON.stringify(steps) !== JSON.stringify(judged))
      this.#violate('undo', `${run} has failed, and done: ${steps.join(', ')}; of: ${entered.join(', ')}`);
    // Of children the names begin with the places of their parents.
    if (isFork || program?.f !== 'turn' || !run.startsWith('tree/')) return;
    // Of what was added by hand nothing lies in the journal; but what comes behind it there does.
    for (const [place, part] of program.parts.entries()) {
      const isPast = [...once.values()].some(({ body }) => placeIn(body['name']) > place);
      if (part.f === 'compensate' && isPast && !undone.includes(`undo ${part.name}`))
        this.#violate('undo', `${run} has failed, but "${part.name}" was not called`);
    }
  }
}

/** The place of a step's part among those of the whole, as its name says. */
const placeIn = (name: unknown): number => Number(/^(\d+)(?:\.|$)/.exec(String(name))?.[1] ?? -1);

/** The same of a child, whose steps are named by it. */
const childPlaceIn = (program: Program | undefined): number =>
  Math.max(-1, ...(program ? partsOf(program).map((part) => placeIn(nameOf(part))) : []));

const nameOf = (part: Program): string => ('name' in part ? part.name : '');

const effectiveIn = (program: Program | undefined): ReadonlySet<string> =>
  new Set(
    program === undefined
      ? []
      : // What another journal goes on with has names of its own.
        partsOf(program.f === 'again' ? program.first : program).flatMap((part) =>
          part.f === 'step' && part.body.effect ? part.name : [],
        ),
  );

function decode(text: string): Kept {
  const end = text.indexOf('\n');
  return { letter: text.charAt(0), id: text.slice(2, end), body: JSON.parse(text.slice(end + 1)) };
}
