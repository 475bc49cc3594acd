/**
 * Counts double grants and lost writes in the messages of the workers.
 */
import type { Saying } from './assignment.js';

export interface Judged {
  readonly sections: number;
  /** Sections that somebody else was in too, while both libraries said that they may. */
  readonly doubles: number;
  readonly expired: number;
  readonly acknowledged: number;
  /** Acknowledged writes that are not there at the end. */
  readonly lost: number;
}

export function judge(sayings: readonly Saying[], value: string): Judged {
  const sections = new Map<string, { first: number; times: number[] }>();
  for (const { what, id, at } of sayings) {
    if (what !== 'in') continue;
    const section = sections.get(id);
    if (section) section.times.push(at);
    else sections.set(id, { first: at, times: [at] });
  }
  const ordered = [...sections].map(([id, { times }]) => ({ id, times })).sort(byStart);
  const doubles = new Set<string>();
  ordered.forEach((earlier, place) => {
    const end = earlier.times.at(-1) ?? 0;
    for (const later of ordered.slice(place + 1)) {
      if ((later.times[0] ?? 0) > end) break;
      // The earlier one was sure of itself after the later one had been.
      doubles.add(later.id);
    }
  });
  const written = sayings.filter(({ what }) => what === 'written');
  const entries = new Set(value.split(','));
  return {
    sections: sections.size,
    doubles: doubles.size,
    expired: sayings.filter(({ what }) => what === 'expired').length,
    acknowledged: written.length,
    lost: written.filter(({ id }) => !entries.has(id)).length,
  };
}

const byStart = (a: { times: number[] }, b: { times: number[] }): number =>
  (a.times[0] ?? 0) - (b.times[0] ?? 0);
