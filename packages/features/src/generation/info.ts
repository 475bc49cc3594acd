/** The generations of a view, as the catalog names them. */

/** A generation, and its state: one is live, which is the one that is read. */
export interface GenerationInfo {
  readonly id: string;
  readonly state: 'filling' | 'cutting' | 'live' | 'previous' | 'retired';
}

/** "<view>.<generation>", by which partitions know it. */
export const printGeneration = (view: string, id: string): string => `${view}.${id}`;

/** Reads "<generation> <state>" of each, with commas between. */
export function readLineup(lineup: string): readonly GenerationInfo[] {
  const all = lineup === '' ? [] : lineup.split(',').map((each) => each.split(' '));
  return all.map(([id = '', state = '']) => ({ id, state: state as GenerationInfo['state'] }));
}
