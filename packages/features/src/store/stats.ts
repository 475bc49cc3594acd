/**
 * How much a store holds: rows by generation, how fresh they are, what was refused, and what of the log is not exported yet.
 *
 * Guarantees: the numbers of one partition are of one instant; those of several partitions need not be.
 */
import { type GenerationInfo, printGeneration, readLineup } from '../generation/info.js';
import type { Catalog } from './catalog.js';
import type { Partition } from './partition.js';

export interface GenerationStats extends GenerationInfo {
  readonly rows: number;
}

/** Rows, or sums of events, that the generation that is read has refused. */
export interface RefusedRows {
  /** There was a row with a later event time. */
  readonly older: number;
  /** There was one with the same event time, which wins. */
  readonly equal: number;
  /** Events that were older than the ring of tiles reaches back. */
  readonly late: number;
  /** It was about an entity that was erased. */
  readonly erased: number;
  /** It said something that cannot be, such as a time in the future. */
  readonly impossible: number;
}

export interface ViewStats {
  /** The generation that is read. */
  readonly live: string;
  /** How many rows that has. */
  readonly rows: number;
  /** The latest event time in it, for windows the beginning of the latest tile; null without rows. */
  readonly newest: Date | null;
  /** How long ago that is by the server's clock, in ms. */
  readonly age: number | null;
  readonly refused: RefusedRows;
  readonly deadLetters: number;
  /** All generations, the oldest first. */
  readonly generations: readonly GenerationStats[];
}

export interface StoreStats {
  /** By name. */
  readonly views: Readonly<Record<string, ViewStats>>;
  /** What lies in the log: what was accepted and is in no file yet, if an exporter runs. */
  readonly log: {
    readonly entries: number;
    /** For how long the first entry has been there, in ms; null for an empty log. */
    readonly age: number | null;
  };
}

/** Of the views that were applied. Throws UnavailableError. */
export async function readStats(
  catalog: Catalog,
  partitions: readonly Partition[],
  names: readonly string[],
): Promise<StoreStats> {
  const pointers = (await catalog.pointers(names))?.views ?? new Map();
  const views = names.filter((name) => pointers.has(name));
  const [parts, lineups] = await Promise.all([
    Promise.all(partitions.map((each) => each.call(each.verbs.stats, views))),
    Promise.all(views.map((view) => catalog.change('lineup', [view, '']))),
  ]);
  const sum = (what: string): number => total(parts.map(({ counts }) => counts.get(what) ?? 0));
  const all = views.map((view, place): [string, ViewStats] => {
    const { live } = pointers.get(view);
    const of = (id: string): string => printGeneration(view, id);
    const ages = parts.flatMap(({ counts, now }) => {
      const time = counts.get(`newest ${of(live)}`);
      return time === undefined ? [] : [{ time, age: (now - time) / 1_000 }];
    });
    const newest = ages.reduce<(typeof ages)[number] | undefined>(
      (one, other) => (one === undefined || other.time > one.time ? other : one),
      undefined,
    );
    const refused = (letter: string): number => sum(`refused ${of(live)}:${letter}`);
    const generations = readLineup(lineups[place]?.[1] ?? '');
    return [
      view,
      {
        live,
        rows: sum(`rows ${of(live)}`),
        newest: newest === undefined ? null : new Date(newest.time / 1_000),
        age: newest === undefined ? null : newest.age,
        refused: {
          ...{
            older: refused('o'),
            equal: refused('e'),
            late: refused('l'),
            erased: refused('x'),
            impossible: refused('f'),
          },
        },
        deadLetters: total(parts.map(({ dead }) => dead[place] ?? 0)),
        generations: generations.map((each) => ({ ...each, rows: sum(`rows ${of(each.id)}`) })),
      },
    ];
  });
  const logged = parts.flatMap(({ first, now }) => (first === undefined ? [] : [(now - first) / 1_000]));
  const log = {
    entries: total(parts.map(({ entries }) => entries)),
    age: logged.length === 0 ? null : Math.max(0, ...logged),
  };
  return { views: Object.fromEntries(all), log };
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);
