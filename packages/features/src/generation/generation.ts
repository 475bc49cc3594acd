/**
 * A generation of a view: all rows of a view as one filling made them. A new one is filled beside the one that is read, and
 * takes its place once it lacks nothing (cut.ts).
 *
 * Guarantees: a holder of a lower token changes nothing. Readers go from one to the other within the lease of their pointers,
 * and no answer comes from one that has ended, because its rows are deleted only after that lease.
 */
import {
  display,
  duration,
  MisuseError,
  passedOn,
  pause,
  type Reader,
  type Readers,
  readOptions,
  type TokenClaim,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { IncompleteError } from '../errors.js';
import { POINTER_LEASE } from '../read/pointer.js';
import type { Catalog } from '../store/catalog.js';
import { absentRows } from './absent.js';
import {
  type BuilderParts,
  Cut,
  isUnfinished,
  type LaneFates,
  readKeep,
  readLanes,
  readPatience,
} from './cut.js';
import { forgetEnded } from './ended.js';
import { printGeneration } from './info.js';
import { refusalOf } from './refusals.js';
import { sweep } from './sweep.js';

export interface GenerationParts extends BuilderParts {
  readonly view: string;
  /** The definition by which rows of a generation are read. */
  readonly definitionOf: (view: string, generation: string) => Promise<{ readonly ttl: number | null }>;
}

export interface BeginOptions {
  readonly holder: TokenClaim;
  /**
   * For how long it may be filled, in ms, at least a minute. Afterwards `store.health()` says so, and whoever begins another
   * generation of the view ends it; until then, `begin` of the same holder lets the time begin again. Default: 7 days.
   */
  readonly abandonAfter?: number;
}

export const BEGIN = {
  holder: passedOn<TokenClaim>(),
  abandonAfter: withDefault(duration({ min: 60_000, max: 365 * 86_400_000 }), 7 * 86_400_000),
} satisfies Readers<BeginOptions>;

export interface CutOptions {
  /** What becomes of each lane of the generation that is read. */
  readonly lanes: LaneFates;
  /** How long the old generation may be closed while the new one catches up, in ms. Default 15000. */
  readonly patience?: number;
  /** For how long the old one stays at least, so that a way back is left, in ms: `retire` refuses it. Default 0. */
  readonly keep?: number;
}

export interface CutTogetherOptions {
  /** By the name of each view: what becomes of each lane of its generation that is read. Default: it has none. */
  readonly lanes: Readonly<Record<string, LaneFates>>;
  /** How long the old generations may be closed while the new ones catch up, in ms. Default 15000. */
  readonly patience?: number;
}

export const readLanesByView: Reader<CutTogetherOptions['lanes']> = (option, value) => {
  if (typeof value !== 'object' || value === null)
    throw new MisuseError(`${option} says by view what becomes of each lane; got ${display(value)}.`);
  for (const [view, lanes] of Object.entries(value)) readLanes(`${option}.${view}`, lanes);
  return value as CutTogetherOptions['lanes'];
};

const CUT_TOGETHER = {
  lanes: readLanesByView,
  patience: readPatience,
} satisfies Readers<CutTogetherOptions>;

export interface ReadyOptions {
  /** What becomes of each lane of the generation that is read. */
  readonly lanes: LaneFates;
  /** How many rows of the generation that is read this one may lack, but for those that are served no longer. Default 0. */
  readonly allowMissing?: number;
}

const READY = {
  lanes: readLanes,
  allowMissing: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 0),
} satisfies Readers<ReadyOptions>;

/** How a generation compares with the one that is read. */
export interface Readiness {
  /** How many rows it has. */
  readonly rows: number;
  /** How many the one that is read has. */
  readonly liveRows: number;
  /** How many of those it lacks. */
  readonly missing: number;
  /** What its lanes have not taken in yet, in words: a cut waits for that. */
  readonly behind: readonly string[];
}

export interface RetireOptions {
  /** For how long a generation that is pinned is waited for, in ms. Default 0. */
  readonly patience?: number;
}

const RETIRE = { patience: withDefault(duration(), 0) } satisfies Readers<RetireOptions>;

/** How often a pinned generation is looked at, in ms. */
const LOOK_EVERY = 100;

const CUT = { lanes: readLanes, patience: readPatience, keep: readKeep } satisfies Readers<CutOptions>;

export class Generation {
  /** The name of the view. */
  readonly view: string;
  /** "<n>-<token of its builder>". */
  readonly id: string;
  /** Under whose token it is cut to, retired and abandoned. */
  readonly holder: TokenClaim;
  readonly #parts: GenerationParts;

  /** Use store.begin() or store.generation(). */
  constructor(id: string, parts: GenerationParts) {
    this.view = parts.view;
    this.id = id;
    this.holder = parts.holder;
    this.#parts = parts;
  }

  /** Use store.begin(). The definition is JSON. */
  static async begin(
    { definition, abandonAfter }: { readonly definition: string; readonly abandonAfter: number },
    parts: GenerationParts,
  ): Promise<Generation> {
    const { view, holder, catalog, partitions, telemetry } = parts;
    const claim = [view, String(holder.token), holder.issuer, definition, String(abandonAfter)];
    const reply = await catalog.change('begin', claim);
    const [word, , id = '', ...ended] = reply;
    if (word !== 'done') throw telemetry.refused('builder', refusalOf(view, holder, reply), { view });
    // It is filled only once partitions know of it, so that a catalog that is lost forgets no generation that has rows.
    await catalog.mirror();
    // They were never read. What is left where this is broken off, store.sweep() deletes.
    for (const each of ended) await sweep(partitions, printGeneration(view, each));
    return new Generation(id, parts);
  }

  /** What it lacks of the generation that is read, in words; it may lag behind a little. Throws UnavailableError. */
  async missing(lanes: LaneFates): Promise<readonly string[]> {
    return this.#cutBy(readLanes('lanes', lanes)).missing();
  }

  /**
   * Compares it with the generation that is read, row by row, which takes as long as looking through both. It may be cut to if
   * its bounded lanes have finished and it lacks no more than `allowMissing` rows: else throws IncompleteError. Throws
   * MisuseError, UnavailableError.
   */
  async ready(options: ReadyOptions): Promise<Readiness> {
    const { lanes, allowMissing } = readOptions('ready', options, READY);
    const { catalog, partitions } = this.#parts;
    const lacks = await this.#cutBy(lanes).missing();
    const live = (await catalog.pointers([this.view]))?.views.get(this.view)?.live ?? '';
    const { ttl } = await this.#parts.definitionOf(this.view, live);
    const count = async (id: string): Promise<number> => {
      const generation = printGeneration(this.view, id);
      const all = await Promise.all(partitions.map((each) => each.call(each.verbs.survey, generation)));
      return all.reduce((sum, { rows }) => sum + rows, 0);
    };
    const missing = await absentRows(partitions, { view: this.view, of: live, from: this.id, ttl });
    const unfinished = lacks.filter(isUnfinished);
    const absent =
      missing > allowMissing ? [`it lacks ${missing} rows, and ${allowMissing} are allowed`] : [];
    if (unfinished.length + absent.length > 0)
      throw new IncompleteError(this.view, this.id, [...unfinished, ...absent]);
    return { rows: await count(this.id), liveRows: await count(live), missing, behind: lacks };
  }

  /**
   * Takes the place of the generation that is read, which is then the previous one: it stays, and a cut to it leads back.
   * Throws IncompleteError if it does not catch up within `patience`; the other is then read as before. StaleTokenError,
   * BusyError if another cut is under way, UnavailableError: call it again.
   */
  async cut(options: CutOptions): Promise<void> {
    const { lanes, patience, keep } = readOptions('cut', options, CUT);
    await this.#cutBy(lanes).make(patience, keep);
  }

  /**
   * Ends a generation that was read before: its lanes land nothing more, and its rows are deleted. Resolves to how many were.
   * One that is pinned is waited for up to `patience`. Throws BusyError if it is pinned then, StaleTokenError, MisuseError for
   * one that is read or was never read, UnavailableError: call it again.
   */
  async retire(options: RetireOptions = {}): Promise<number> {
    const { patience } = readOptions('retire', options, RETIRE);
    const { catalog, clock } = this.#parts;
    const deadline = clock.now() + patience;
    for (;;) {
      const reply = await catalog.change('retire', this.#claim());
      if (reply[0] === 'done') return this.#sweep();
      if (reply[0] !== 'pinned' || clock.now() >= deadline) throw this.#refusal(reply);
      await pause(clock, Math.min(LOOK_EVERY, deadline - clock.now()));
    }
  }

  /**
   * Ends a generation that was begun and never read, also in the middle of a cut, which is undone: its lanes land nothing more,
   * and its rows are deleted. Resolves to how many were. Throws StaleTokenError, MisuseError for one that is or was read,
   * UnavailableError: call it again.
   */
  async abandon(): Promise<number> {
    const { catalog, partitions } = this.#parts;
    const reply = await catalog.change('abandon', this.#claim());
    const [word, n, ...undone] = reply;
    if (word !== 'done') throw this.#refusal(reply);
    const dropped = await this.#sweep();
    for (let place = 0; place < undone.length; place += 2) {
      const generation = printGeneration(undone[place] ?? '', undone[place + 1] ?? '');
      await Promise.all(partitions.map((each) => each.call(each.verbs.reopen, { generation, n: Number(n) })));
    }
    return dropped;
  }

  async #sweep(): Promise<number> {
    const { catalog, partitions, clock } = this.#parts;
    const ended = await catalog.mirror();
    // Readers may have learned of the last change just before it was made.
    await pause(clock, POINTER_LEASE);
    const dropped = await sweep(partitions, printGeneration(this.view, this.id));
    await forgetEnded(catalog, partitions, ended);
    return dropped;
  }

  #claim(): readonly string[] {
    return [this.view, this.id, String(this.holder.token), this.holder.issuer];
  }

  #refusal(reply: readonly string[]): Error {
    const { view, holder } = this;
    return this.#parts.telemetry.refused('builder', refusalOf(view, holder, reply), { view });
  }

  /** Use store.cut(). Throws MisuseError where the generations are not of one holder and of different views of `catalog`. */
  static async cut(
    catalog: Catalog,
    generations: readonly Generation[],
    options: CutTogetherOptions,
  ): Promise<void> {
    const { lanes, patience } = readOptions('cut', options, CUT_TOGETHER);
    const [first] = requireTogether(generations);
    if (generations.some((each) => each.#parts.catalog !== catalog))
      throw new MisuseError('cut() takes generations that this store has given; one is of another store.');
    const { holder } = first;
    const other = generations.find(
      ({ holder: by }) => by.token !== holder.token || by.issuer !== holder.issuer,
    );
    if (other !== undefined) {
      throw new MisuseError(
        `Generations that are cut together are of one holder; that of "${first.view}" has token ${holder.token} of ${holder.issuer}, that of "${other.view}" has ${other.holder.token} of ${other.holder.issuer}.`,
      );
    }
    const moves = generations.map(({ view, id }) => {
      const fates = Object.hasOwn(lanes, view) ? lanes[view] : undefined;
      return { view, id, lanes: fates ?? {} };
    });
    await new Cut(first.#parts, moves).make(patience);
  }

  #cutBy(lanes: LaneFates): Cut {
    return new Cut(this.#parts, [{ view: this.view, id: this.id, lanes }]);
  }
}

function requireTogether(generations: unknown): readonly [Generation, ...Generation[]] {
  const all: readonly unknown[] = Array.isArray(generations) ? generations : [];
  if (all.length === 0 || !all.every((each) => each instanceof Generation)) {
    throw new MisuseError(
      `cut() takes a list of generations, as store.begin() gives them; got ${display(generations)}.`,
    );
  }
  const twice = all.find(({ view }, place) => all.findIndex((each) => each.view === view) < place);
  if (twice === undefined) return all as readonly Generation[] as readonly [Generation, ...Generation[]];
  throw new MisuseError(`cut() takes one generation of each view; got two of "${twice.view}".`);
}
