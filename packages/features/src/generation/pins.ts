/**
 * Pins: generations that somebody reads, or trains with, and that are not ended before a time that they name.
 *
 * Guarantees: until then `retire` refuses, by the clock of the catalog's server, and reads that are given the pin answer from
 * these generations. Afterwards such a read is refused, before the rows can be gone. A server that has forgotten the pin lets
 * the generation be retired; `extend` then says that it has ended.
 */
import { duration, MisuseError, type Readers, readOptions } from '@holdfast/kernel';
import { readName } from '../options.js';
import type { Catalog } from '../store/catalog.js';

export interface PinOptions {
  /** Who keeps them, as a job or a program: 1 to 64 letters, digits, "_" and "-". Under one name there is one pin. */
  readonly by: string;
  /** For how long, in ms, up to 90 days. */
  readonly for: number;
}

const MOST = 90 * 86_400_000;
const PIN = { by: readName, for: duration({ min: 1, max: MOST }) } satisfies Readers<PinOptions>;

export class Pin {
  readonly by: string;
  /** By the name of each view, the generation that is kept. */
  readonly generations: ReadonlyMap<string, string>;
  readonly #catalog: Catalog;
  #until: number;

  private constructor(catalog: Catalog, by: string, found: Found) {
    this.by = by;
    this.generations = found.generations;
    this.#catalog = catalog;
    this.#until = found.until;
  }

  /** Use store.pin(). */
  static async of(catalog: Catalog, wanted: ReadonlyMap<string, string>, options: PinOptions): Promise<Pin> {
    const { by, for: length } = readOptions('pin()', options, PIN);
    return new Pin(catalog, by, await pin(catalog, wanted, by, length));
  }

  /** Until when they are kept, by the clock of the catalog's server. */
  get until(): Date {
    return new Date(this.#until / 1_000);
  }

  /** In microseconds. */
  get '~until'(): number {
    return this.#until;
  }

  /** Keeps them for so long from now on, in ms. Throws MisuseError if one has ended, UnavailableError. */
  async extend(length: number): Promise<void> {
    const read = PIN.for('extend()', length);
    this.#until = (await pin(this.#catalog, this.generations, this.by, read)).until;
  }

  /** Keeps them no longer; reads that are given the pin are refused from now on. Throws UnavailableError. */
  async release(): Promise<void> {
    this.#until = 0;
    await this.#catalog.change('unpin', [this.by, ...[...this.generations].flat()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

interface Found {
  /** In microseconds. */
  readonly until: number;
  readonly generations: ReadonlyMap<string, string>;
}

/** '' stands for the generation that is read. */
async function pin(
  catalog: Catalog,
  wanted: ReadonlyMap<string, string>,
  by: string,
  length: number,
): Promise<Found> {
  await catalog.pointers([]); // takes up what a server has forgotten
  const reply = await catalog.change('pin', [by, String(length), ...[...wanted].flat()]);
  const [word, detail = '', until, ...ids] = reply;
  if (word === 'done') {
    const generations = new Map([...wanted.keys()].map((view, place) => [view, ids[place] ?? '']));
    return { until: Number(until), generations };
  }
  if (word !== 'gone')
    throw new MisuseError(`Nothing was applied to this store (${word}); call apply() first.`);
  throw new MisuseError(
    `A generation of the view "${until}" that "${by}" wants to keep ${detail === '' ? 'is not there' : `is ${detail}`}; only one that is or was read can be kept.`,
  );
}
