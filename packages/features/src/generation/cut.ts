/**
 * A cut: generations of one or several views take the place of those that are read, all in one step.
 *
 * Guarantees: a holder of a lower token changes nothing. While the new ones catch up, the old ones take no rows, so that none
 * that was acknowledged is lost; if they do not catch up in time, the old ones go on as before. A reader sees all views of a
 * cut before it, or all after it. Whatever crashes half way, the next holder can undo or finish, and lanes that meet what a
 * dead builder has closed open it again after its time (relief.ts).
 */
import {
  type Clock,
  display,
  duration,
  MisuseError,
  oneOf,
  pause,
  type Reader,
  type TokenClaim,
  withDefault,
} from '@holdfast/kernel';
import { IncompleteError } from '../errors.js';
import type { Catalog, ChangeName } from '../store/catalog.js';
import type { Partition } from '../store/partition.js';
import type { Survey } from '../store/verbs.js';
import type { Telemetry } from '../telemetry.js';
import { type Compared, type LaneFate, lacking, missing } from './gate.js';
import { printGeneration } from './info.js';
import { refusalOf } from './refusals.js';

/** What changes of generations need. */
export interface BuilderParts {
  readonly holder: TokenClaim;
  readonly catalog: Catalog;
  readonly partitions: readonly Partition[];
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Called when what is live has changed. */
  readonly onChange: () => void;
}

/** What becomes of each lane of the generation that is read. */
export type LaneFates = Readonly<Record<string, LaneFate>>;

/** A view, and the generation that is to be read of it. */
export interface Move {
  readonly view: string;
  readonly id: string;
  readonly lanes: LaneFates;
}

/** As that of pins, in ms. */
const MOST_KEPT = 90 * 86_400_000;

const readFate = oneOf<LaneFate>('same', 'copy', 'finished', 'ended');

export const readLanes: Reader<LaneFates> = (option, value) => {
  if (typeof value !== 'object' || value === null)
    throw new MisuseError(
      `${option} says of each lane: same, copy, finished or ended; got ${display(value)}.`,
    );
  for (const [name, fate] of Object.entries(value)) readFate(`${option}.${name}`, fate);
  return value as LaneFates;
};

export const readPatience = withDefault(duration(), 15_000);
export const readKeep = withDefault(duration({ max: MOST_KEPT }), 0);

/** The name of the pin that keeps what was read before. */
const PREVIOUS = 'previous';

/** How often a generation that catches up is looked at, in ms. */
const LOOK_EVERY = 100;

/** How long a cut may take beyond its patience before anybody may undo it, in ms. */
const MARGIN = 5_000;

/** Whether what the new ones lack is waited for, or accepted. */
interface Manner {
  readonly patience: number;
  /** For how long the old ones are kept, in ms. */
  readonly keep: number;
  readonly isAccepted: boolean;
}

/** Whether waiting does not help while the old ones take no rows. */
export const isUnfinished = (lack: string): boolean => lack.endsWith('has not finished');

/** One of the moves of a cut that has begun. */
interface Begun extends Move {
  /** The generation that is read. */
  readonly live: string;
}

export class Cut {
  readonly #parts: BuilderParts;
  readonly #moves: readonly Move[];

  constructor(parts: BuilderParts, moves: readonly Move[]) {
    this.#parts = parts;
    this.#moves = moves;
  }

  /** Throws IncompleteError, StaleTokenError, IssuerMismatchError, BusyError, MisuseError, UnavailableError. */
  async make(patience: number, keep = 0): Promise<void> {
    await this.#told(() => this.#make({ patience, keep, isAccepted: false }));
  }

  /** As `make`, without waiting for what the new ones lack, which is lost to whoever reads. Resolves to that, in words. */
  accept(): Promise<readonly string[]> {
    return this.#told(() => this.#make({ patience: 0, keep: 0, isAccepted: true }));
  }

  #told(make: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const names = this.#moves.map(({ view }) => view).join(', ');
    return this.#parts.telemetry.cutting(names, this.#ids(), make);
  }

  /** What the new generations lack of those that are read, in words; they may lag behind a little. Throws UnavailableError. */
  async missing(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const move of this.#moves) {
      const live = await this.#live(move.view);
      const old = await this.#survey(move.view, live);
      const next = await this.#survey(move.view, move.id);
      found.push(...this.#lacks(move, { from: printGeneration(move.view, live), old, next }));
    }
    return found;
  }

  async #make({ patience, keep, isAccepted }: Manner): Promise<readonly string[]> {
    const { clock, holder } = this.#parts;
    const unfinished = isAccepted ? [] : (await this.missing()).filter(isUnfinished);
    if (unfinished.length > 0) throw this.#incomplete(unfinished);
    const lacks: string[] = [];
    const { n, moves } = await this.#begin(patience);
    let swapped = 0;
    const deadline = clock.now() + patience;
    try {
      const frozen = new Map<Begun, readonly Survey[]>();
      for (const move of moves) frozen.set(move, await this.#close(move, n));
      for (;;) {
        lacks.length = 0;
        for (const [move, old] of frozen) lacks.push(...(await this.#lacksOf(move, old, isAccepted)));
        if (lacks.length === 0 || isAccepted) break;
        if (clock.now() > deadline) throw this.#incomplete(lacks);
        await pause(clock, LOOK_EVERY);
      }
      const views = moves.map(({ view }) => view);
      if (keep > 0) await this.#pin(moves, keep);
      const reply = await this.#ask('swap', [String(n), String(holder.token), holder.issuer, ...views]);
      if (reply[0] !== 'done') throw this.#refusal(reply);
      swapped = Number(reply[1]);
    } catch (error) {
      // The answer to the last step may have been lost: then the cut has come to its end.
      if ((await this.#undo(moves, n)) || !(await this.#isMade())) throw error;
    }
    await this.#spread(moves, n);
    if (swapped > 0) await this.#requireKept(swapped);
    return lacks;
  }

  /** Partitions were told what the catalog knew then: where its server had lost the cut before, the old ones are read again. */
  async #requireKept(swapped: number): Promise<void> {
    await this.#parts.catalog.pointers([]); // takes up what the partitions know
    for (const { view } of this.#moves) {
      const [, , , before = ''] = await this.#ask('lineup', [view, '']);
      if (Number(before.split(' ')[1] ?? '0') < swapped)
        throw this.#incomplete(['the server of the catalog has lost the cut before a partition knew of it']);
    }
  }

  /** What a generation has once it takes no more rows, by partition. */
  async #close({ view, live }: Begun, n: number): Promise<readonly Survey[]> {
    const generation = printGeneration(view, live);
    const closed = await this.#all((each) => each.call(each.verbs.close, { generation, n }));
    const frozen = closed.flatMap((survey) => survey ?? []);
    if (frozen.length < closed.length) throw this.#incomplete(['another cut came later']);
    return frozen;
  }

  async #lacksOf(move: Begun, old: readonly Survey[], isAccepted: boolean): Promise<readonly string[]> {
    const next = await this.#survey(move.view, move.id);
    // A server that has forgotten that the old one is closed may have let rows in.
    if (next.some(({ epoch }, place) => epoch !== old[place]?.epoch))
      throw this.#incomplete(['a server may have forgotten that the old one is closed']);
    const compared = { from: printGeneration(move.view, move.live), old, next };
    return isAccepted ? this.#named(move, lacking(compared)) : this.#lacks(move, compared);
  }

  #lacks({ view, lanes }: Move, compared: Compared): readonly string[] {
    return this.#named({ view }, missing(lanes, compared));
  }

  /** Those of several views name theirs. */
  #named({ view }: Pick<Move, 'view'>, found: readonly string[]): readonly string[] {
    return this.#moves.length === 1 ? found : found.map((each) => `of the view "${view}", ${each}`);
  }

  /** The number of the change, and what is read since before it. */
  async #begin(patience: number): Promise<{ readonly n: number; readonly moves: readonly Begun[] }> {
    const { holder } = this.#parts;
    const { token, issuer } = holder;
    const wanted = this.#moves.flatMap(({ view, id }) => [view, id]);
    for (;;) {
      const reply = await this.#ask('cut', [String(token), issuer, String(patience + MARGIN), ...wanted]);
      const [word, detail = '', ...rest] = reply;
      if (word === 'done') {
        // A catalog that is lost then still knows under which token this is done.
        await this.#parts.catalog.mirror();
        const moves = this.#moves.map((move, place): Begun => ({ ...move, live: rest[place] ?? '' }));
        return { n: Number(detail), moves };
      }
      const [view = '', n, isOver] = rest;
      if (word !== 'busy' || isOver !== '1') throw this.#refusal(reply);
      await this.#undo([{ view, live: await this.#live(view) }], Number(n));
    }
  }

  /** As if the cut had not been begun. False if it was undone before, or had come to its end. */
  async #undo(moves: readonly Pick<Begun, 'view' | 'live'>[], n: number): Promise<boolean> {
    const [word] = await this.#ask('uncut', [moves[0]?.view ?? '', String(n)]);
    await this.#spread(moves, n);
    return word === 'done';
  }

  /** Tells everybody what is live, and lets rows into the old generations again. */
  async #spread(moves: readonly Pick<Begun, 'view' | 'live'>[], n: number): Promise<void> {
    const { catalog, onChange } = this.#parts;
    await catalog.mirror();
    onChange();
    for (const { view, live } of moves) {
      const generation = printGeneration(view, live);
      await this.#all((each) => each.call(each.verbs.reopen, { generation, n }));
    }
  }

  /** Keeps the old ones from being ended for a while, also where the cut is undone then. */
  async #pin(moves: readonly Begun[], keep: number): Promise<void> {
    const kept = moves.flatMap(({ view, live }) => [view, live]);
    const reply = await this.#ask('pin', [PREVIOUS, String(keep), ...kept]);
    if (reply[0] !== 'done') throw this.#refusal(reply);
  }

  async #isMade(): Promise<boolean> {
    const pointers = await this.#parts.catalog.pointers(this.#moves.map(({ view }) => view));
    return this.#moves.every(({ view, id }) => pointers?.views.get(view)?.live === id);
  }

  async #live(view: string): Promise<string> {
    const live = (await this.#parts.catalog.pointers([view]))?.views.get(view)?.live;
    if (live === undefined) throw new MisuseError(`The view "${view}" was never applied.`);
    return live;
  }

  #survey(view: string, id: string): Promise<readonly Survey[]> {
    return this.#all((each) => each.call(each.verbs.survey, printGeneration(view, id)));
  }

  #ids(): string {
    return this.#moves.map(({ id }) => id).join(', ');
  }

  #incomplete(lacks: readonly string[]): IncompleteError {
    return new IncompleteError(this.#moves.map(({ view }) => view).join(', '), this.#ids(), lacks);
  }

  #ask(name: ChangeName, args: readonly string[]): Promise<readonly string[]> {
    return this.#parts.catalog.change(name, args);
  }

  #refusal(reply: readonly string[]): Error {
    const { holder, telemetry } = this.#parts;
    const view = (reply[0] === 'changed' ? undefined : reply[2]) ?? this.#moves[0]?.view ?? '';
    return telemetry.refused('builder', refusalOf(view, holder, reply), { view });
  }

  #all<T>(ask: (partition: Partition) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#parts.partitions.map(ask));
  }
}
