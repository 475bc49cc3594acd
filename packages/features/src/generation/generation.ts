/**
 * A generation of a view: all rows of a view as one filling made them. A new one is filled beside the one that is read, and
 * takes its place once it lacks nothing.
 *
 * Guarantees: a holder of a lower token changes nothing. While one generation takes the place of another, the old one takes no
 * rows, so that none that was acknowledged is lost; if the new one does not catch up in time, the old one goes on as before.
 * Readers go from one to the other within the lease of their pointers, and no answer comes from one that has ended, because
 * its rows are deleted only after that lease. Whatever crashes half way, the next holder can undo or
 * finish, and lanes that meet what a dead builder has closed open it again after its time (relief.ts).
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import {
  BusyError,
  type Clock,
  display,
  duration,
  MisuseError,
  oneOf,
  pause,
  type Reader,
  type Readers,
  readOptions,
  type Settings,
  type TokenClaim,
  withDefault,
} from '@holdfast/kernel';
import type { View } from '../definition/view.js';
import { IncompleteError } from '../errors.js';
import { POINTER_LEASE } from '../read/pointer.js';
import type { Catalog, ChangeName } from '../store/catalog.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import { type LaneFate, missing } from './gate.js';
import { sweep } from './sweep.js';

export interface GenerationParts {
  readonly view: View;
  readonly holder: TokenClaim;
  readonly catalog: Catalog;
  readonly partitions: readonly Partition[];
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Called when what is live has changed. */
  readonly onChange: () => void;
}

export interface CutOptions {
  /** What becomes of each lane of the generation that is read. */
  readonly lanes: Readonly<Record<string, LaneFate>>;
  /** How long the old generation may be closed while the new one catches up, in ms. Default 15000. */
  readonly patience?: number;
}

const readFate = oneOf<LaneFate>('same', 'finished', 'ended');

const readLanes: Reader<CutOptions['lanes']> = (option, value) => {
  if (typeof value !== 'object' || value === null)
    throw new MisuseError(`${option} says of each lane: same, finished or ended; got ${display(value)}.`);
  for (const [name, fate] of Object.entries(value)) readFate(`${option}.${name}`, fate);
  return value as CutOptions['lanes'];
};

const CUT = {
  lanes: readLanes,
  patience: withDefault(duration(), 15_000),
} satisfies Readers<CutOptions>;

/** How often a generation that catches up is looked at, in ms. */
const LOOK_EVERY = 100;

export class Generation {
  /** "<n>-<token of its builder>". */
  readonly id: string;
  readonly #parts: GenerationParts;

  constructor(id: string, parts: GenerationParts) {
    this.id = id;
    this.#parts = parts;
  }

  /** What it lacks of the generation that is read, in words; it may lag behind a little. Throws UnavailableError. */
  async missing(lanes: CutOptions['lanes']): Promise<readonly string[]> {
    readLanes('lanes', lanes);
    const { view } = this.#parts;
    const live = await this.#live();
    const of = (id: string) => this.#all((each) => each.call(each.verbs.survey, `${view.name}.${id}`));
    return missing(lanes, await of(live), await of(this.id));
  }

  /**
   * Takes the place of the generation that is read, which is then the previous one: it stays, and a cut to it leads back.
   * Throws IncompleteError if it does not catch up within `patience`; the other is then read as before. StaleTokenError,
   * BusyError if another cut is under way, UnavailableError: call it again.
   */
  async cut(options: CutOptions): Promise<void> {
    const read = readOptions('cut', options, CUT);
    const { view, telemetry } = this.#parts;
    await telemetry.cutting(view.name, this.id, () => this.#cut(read));
  }

  async #cut({ lanes, patience }: Settings<typeof CUT>): Promise<void> {
    const { view, holder, clock } = this.#parts;
    const lacking = await this.missing(lanes);
    const unfinished = lacking.filter((each) => each.endsWith('has not finished'));
    if (unfinished.length > 0) throw new IncompleteError(view.name, this.id, unfinished);
    const { n, live } = await this.#begin(patience);
    const old = `${view.name}.${live}`;
    const deadline = clock.now() + patience;
    try {
      const closed = await this.#all((each) => each.call(each.verbs.close, { generation: old, n }));
      const epochs = closed.map((survey) => survey?.epoch);
      const frozen = closed.flatMap((survey) => survey ?? []);
      if (frozen.length < closed.length)
        throw new IncompleteError(view.name, this.id, ['another cut came later']);
      for (;;) {
        const next = await this.#all((each) => each.call(each.verbs.survey, `${view.name}.${this.id}`));
        // A server that has forgotten that the old one is closed may have let rows in.
        if (next.some(({ epoch }, place) => epoch !== epochs[place]))
          throw new IncompleteError(view.name, this.id, [
            'a server may have forgotten that the old one is closed',
          ]);
        const lacks = missing(lanes, frozen, next);
        if (lacks.length === 0) break;
        if (clock.now() > deadline) throw new IncompleteError(view.name, this.id, lacks);
        await pause(clock, LOOK_EVERY);
      }
      const { token, issuer } = holder;
      await this.#change('swap', [view.name, String(n), String(token), issuer]);
    } catch (error) {
      // The answer to the last step may have been lost: then the cut has come to its end.
      if ((await this.#undo(old, n)) || (await this.#live()) !== this.id) throw error;
    }
    await this.#spread(old, n);
  }

  /**
   * Ends a generation that is not read: its lanes land nothing more, and its rows are deleted. Resolves to how many were.
   * Throws StaleTokenError, MisuseError for one that is read, UnavailableError: call it again.
   */
  async retire(): Promise<number> {
    const { view, holder, catalog, partitions, clock } = this.#parts;
    await this.#change('retire', [view.name, this.id, String(holder.token), holder.issuer]);
    await catalog.mirror();
    // Readers may have learned of the last change just before it was made.
    await pause(clock, POINTER_LEASE);
    return sweep(partitions, `${view.name}.${this.id}`);
  }

  /** The number of the change, and the generation that is read since before it. */
  async #begin(patience: number): Promise<{ readonly n: number; readonly live: string }> {
    const { view, holder } = this.#parts;
    const args = [view.name, this.id, String(holder.token), holder.issuer, String(patience + 5_000)];
    for (;;) {
      const [word = '', detail = '', n = '', isOver] = await this.#ask('cut', args);
      if (word === 'done') return { n: Number(detail), live: n };
      if (word !== 'busy' || isOver !== '1') throw this.#refusal([word, detail]);
      await this.#undo(`${view.name}.${await this.#live()}`, Number(n));
    }
  }

  /** As if the cut had not been begun. False if it was undone before, or had come to its end. */
  async #undo(old: string, n: number): Promise<boolean> {
    const { view } = this.#parts;
    const [word] = await this.#ask('uncut', [view.name, String(n)]);
    await this.#spread(old, n);
    return word === 'done';
  }

  /** Tells everybody what is live, and lets rows into the old generation again. */
  async #spread(old: string, n: number): Promise<void> {
    const { catalog, onChange } = this.#parts;
    await catalog.mirror();
    onChange();
    await this.#all((each) => each.call(each.verbs.reopen, { generation: old, n }));
  }

  async #live(): Promise<string> {
    const { catalog, view } = this.#parts;
    const live = (await catalog.pointers([view.name]))?.views.get(view.name)?.live;
    if (live === undefined) throw new MisuseError(`The view "${view.name}" was never applied.`);
    return live;
  }

  async #change(name: ChangeName, args: readonly string[]): Promise<readonly string[]> {
    const reply = await this.#ask(name, args);
    if (reply[0] === 'done') return reply;
    throw this.#refusal(reply);
  }

  #ask(name: ChangeName, args: readonly string[]): Promise<readonly string[]> {
    return this.#parts.catalog.change(name, args);
  }

  #refusal(reply: readonly string[]): Error {
    const { view, holder, telemetry } = this.#parts;
    return telemetry.refused('builder', refusalOf(view.name, holder, reply), { view: view.name });
  }

  #all<T>(ask: (partition: Partition) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#parts.partitions.map(ask));
  }
}

/** The error for a change of a view that was refused. */
export function refusalOf(
  view: string,
  holder: TokenClaim,
  [word = '', detail = '']: readonly string[],
): Error {
  const { token, resource, issuer } = holder;
  const seen = Number(detail.split(' ', 1)[0]);
  const expected = detail.split(' ').slice(1).join(' ');
  switch (word) {
    case 'stale':
      return new StaleTokenError(
        `Token ${token} changes nothing of the view "${view}", which was changed under token ${seen}. Stop this job: another one has its work.`,
        { resource, offered: token, seen, reason: 'lower' },
      );
    case 'foreign':
      return new IssuerMismatchError(
        `The view "${view}" was changed under tokens of ${expected}, which those of ${issuer} cannot be compared with.`,
        { resource, issuer, expected },
      );
    case 'busy':
      return new BusyError(
        `Another generation of the view "${view}", ${detail}, is just taking its place. Wait.`,
        {
          resource,
        },
      );
    case 'many':
      return new MisuseError(
        `Three generations of the view "${view}" are being filled, which is the most; retire one.`,
      );
    case 'gone':
      return new MisuseError(
        `The generation of the view "${view}" is ${detail === '' ? 'not there' : detail}; that cannot be done with it.`,
      );
    case 'changed':
      return new IncompleteError(view, '', ['the cut was undone meanwhile']);
    default:
      return new MisuseError(`Nothing is known of the view "${view}" (${word}); call apply() first.`);
  }
}
