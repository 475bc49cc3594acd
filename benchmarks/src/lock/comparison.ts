/**
 * Contestants set against the best peer, and the promises that are measured by it.
 *
 * Guarantees: every ratio is formed within a round and then summarised. The best peer is the peer whose median over
 * all rounds is best, the same for every contestant. The raw limit is never a peer. Throws if no peer, or not
 * Holdfast itself, has run: then there is nothing to compare.
 */
import { ratioSpread, type Table, type Target } from '../harness/report.js';
import { median, pairedRatio, type Spread } from '../harness/statistics.js';
import type { Contestant } from './contestants.js';

export interface Measured extends Pick<Contestant, 'name' | 'role' | 'remark'> {
  readonly version: string;
  /** The most memory that the contestant's process ever had, in bytes. */
  readonly peakRss: number;
}

export interface Section {
  readonly table: Table;
  readonly targets: readonly Target[];
}

export type Numbers = (name: string) => readonly number[];

export interface Comparison {
  readonly best: Measured;
  /** Each contestant's numbers as multiples of the best peer's. */
  readonly ratios: ReadonlyMap<string, Spread>;
  readonly ours: Spread;
}

export function compare(
  contestants: readonly Measured[],
  numbers: Numbers,
  better: 'low' | 'high',
): Comparison {
  const sign = better === 'low' ? 1 : -1;
  const peers = contestants.filter(({ role }) => role === 'peer');
  const [best] = peers.sort((a, b) => sign * (median(numbers(a.name)) - median(numbers(b.name))));
  const ours = contestants.find(({ role }) => role === 'ours');
  if (!best || !ours)
    throw new Error('There is nothing to compare: no peer, or not Holdfast itself, has run.');
  const ratios = new Map(
    contestants.map(({ name }) => [name, pairedRatio(numbers(name), numbers(best.name))] as const),
  );
  return { best, ratios, ours: ratios.get(ours.name) ?? pairedRatio([], []) };
}

export const label = ({ name, role, version }: Measured): string =>
  role === 'ours'
    ? `**${name} ${version}**`
    : role === 'limit'
      ? `_${name} (ioredis ${version})_`
      : `${name} ${version}`;

export const ratioOf = ({ ratios }: Comparison, { name }: Measured): string =>
  ratioSpread(ratios.get(name) ?? pairedRatio([], []));
