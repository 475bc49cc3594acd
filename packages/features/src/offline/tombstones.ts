/**
 * What exported rows are no data any more, because their entity was erased: as the manifests of a folder keep it, so that it holds
 * where Redis has forgotten it.
 */
import { type Erasure, piecesOf, splitName } from '../store/erasures.js';
import { named, quoted } from './duckdb.js';

export interface Tombstone {
  /** "<entity>:<id>". */
  readonly name: string;
  /** The number of the change that has erased or restored it. */
  readonly n: number;
  /** Of one that was restored: the last place at which rows are erased. Otherwise all are. */
  readonly until?: number;
}

/** Those that a partition knew, and those that the catalog knows; the later one of each entity. */
export function mergeTombstones(
  known: readonly Tombstone[],
  erasures: readonly Erasure[],
  partition: number,
): readonly Tombstone[] {
  const all = new Map(known.map((each) => [each.name, each]));
  for (const { name, n, until } of erasures) {
    if ((all.get(name)?.n ?? -1) >= n) continue;
    all.set(name, { name, n, ...(until && { until: until.get(partition) ?? 0 }) });
  }
  return [...all.values()];
}

/** The number up to which all are applied, by whoever applies these. */
export const latestOf = (tombstones: readonly Tombstone[]): number =>
  tombstones.reduce((latest, { n }) => Math.max(latest, n), 0);

/** Says of rows of a view, whose ids have these parts, whether they are erased. */
export function eraser(
  tombstones: readonly Tombstone[],
  parts: readonly string[],
): (row: { readonly id: string; readonly place: number }) => boolean {
  const untils = new Map(tombstones.map(({ name, until = Number.POSITIVE_INFINITY }) => [name, until]));
  if (untils.size === 0) return () => false;
  return ({ id, place }) => piecesOf(parts, id).some((name) => place <= (untils.get(name) ?? -1));
}

/** SQL for whether a row is erased, as what stands behind WHERE; undefined if none can be. */
export function isErasedSql(
  tombstones: ReadonlyMap<number, readonly Tombstone[]>,
  parts: readonly string[],
): string | undefined {
  const conditions = parts.flatMap((part, at) => {
    const gone = [...tombstones].flatMap(([partition, each]) =>
      each.flatMap(({ name, until = Number.MAX_SAFE_INTEGER }) => {
        const { entity, id } = splitName(name);
        if (entity !== part) return [];
        const piece = parts.length === 1 ? id : id.replaceAll('%', '%25').replaceAll('/', '%2F');
        return [`(${partition}, ${quoted(piece)}, ${until}::BIGINT)`];
      }),
    );
    if (gone.length === 0) return [];
    const piece = parts.length === 1 ? named('@id') : `split_part(${named('@id')}, '/', ${at + 1})`;
    return [
      `EXISTS (SELECT 1 FROM (VALUES ${gone.join(', ')}) gone(partition, piece, until) WHERE gone.partition = "@partition" AND gone.piece = ${piece} AND "@place" <= gone.until)`,
    ];
  });
  return conditions.length === 0 ? undefined : conditions.join(' OR ');
}
