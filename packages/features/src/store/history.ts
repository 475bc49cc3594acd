/**
 * Which generation of a view was read from when on, and by which definition, as the catalog has noted it.
 *
 * Guarantees: every change that the catalog has kept, in order. What it had forgotten before it took up what is live from the
 * partitions is not there.
 */
import { readView, type StoredView } from '../definition/stored.js';
import type { CatalogEntry } from './catalog.js';

/** What is read of a view from some change on. */
export interface LivePoint {
  /** The number of the change. */
  readonly n: number;
  /** When it was made, in microseconds; Redis keeps it to the millisecond. */
  readonly since: number;
  readonly generation: string;
  /** Undefined where the catalog has forgotten it. */
  readonly stored: StoredView | undefined;
}

/** The earliest first. */
export function livePoints(history: readonly CatalogEntry[], view: string): readonly LivePoint[] {
  const points: LivePoint[] = [];
  for (const [id, fields] of history) {
    const change = changeOf(fields, view);
    if (change === undefined) continue;
    const last = points.at(-1);
    const generation = change.generation ?? last?.generation ?? FIRST;
    const known = [...points].reverse().find((each) => each.generation === generation);
    const stored = change.definition === undefined ? known?.stored : readView(change.definition);
    points.push({ n: change.n, since: Number(id.split('-', 1)[0]) * 1_000, generation, stored });
  }
  return points;
}

/** The generation that a view gets when it is applied first. */
const FIRST = '1-0';

interface LiveChange {
  readonly n: number;
  readonly generation?: string | undefined;
  readonly definition?: string | undefined;
}

function changeOf(fields: readonly string[], view: string): LiveChange | undefined {
  const [word = '', number = '', what = '', of = ''] = fields;
  if (word === 'applied' || word === 'adopted') {
    const at = fields.findIndex((name, index) => index >= 2 && index % 2 === 0 && name === view);
    const found = at < 0 ? undefined : fields[at + 1];
    if (found === undefined) return undefined;
    return word === 'applied'
      ? { n: Number(number), definition: found }
      : { n: Number(number), generation: found };
  }
  const [name, generation] = of.split(' ');
  if (what !== 'live' || name !== view) return undefined;
  return { n: Number(number), generation, definition: fields[5] };
}
