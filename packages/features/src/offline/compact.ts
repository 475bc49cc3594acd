/**
 * Compaction: fewer and larger files of those that an exporter has made, so that neither files nor manifests grow without bound.
 *
 * Rows of entities that were erased are left out.
 *
 * Guarantees: wherever it stops, each other row is in one file that the manifest names: the new files take the place of the old ones
 * in one manifest. The old ones are deleted after a grace, so that who has just read the manifest can read them; what a crash has
 * left to delete, the next compaction deletes, also files that a deposed holder has never named.
 */
import { randomUUID } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { duration, type Readers, withDefault } from '@holdfast/kernel';
import type { Partition } from '../store/partition.js';
import { type DuckDb, filesOf, quoted } from './duckdb.js';
import type { ExportedFile, Manifest } from './manifest.js';
import { erasuresIn, type StoreParts } from './parts.js';
import type { ExportRight } from './right.js';
import { isErasedSql, latestOf, mergeTombstones, type Tombstone } from './tombstones.js';

/** A file has about so many rows at most. */
const ROWS = 1_000_000;

export interface CompactOptions {
  /**
   * For how long files that were replaced stay, in ms, for readers that know them from an earlier manifest; the next compaction
   * after that deletes them. Default 3600000. Training sets need none.
   */
  readonly grace?: number;
}

export const COMPACT = {
  grace: withDefault(duration(), 3_600_000),
} satisfies Readers<CompactOptions>;

export interface CompactReport {
  /** Files that were replaced, and those that replace them. */
  readonly replaced: number;
  readonly made: number;
  /** Files that were deleted: replaced ones after their grace, and what a crash or a deposed holder has left. */
  readonly deleted: number;
}

interface Compacting {
  readonly store: StoreParts;
  readonly duckdb: DuckDb;
  readonly dir: string;
  readonly right: ExportRight;
  readonly grace: number;
}

export async function compactFiles(compacting: Compacting): Promise<CompactReport> {
  const total = { replaced: 0, made: 0, deleted: 0 };
  const named = new Set<string>();
  let token = 0;
  for (const partition of compacting.store.partitions) {
    const { manifest, ...report } = await compactPartition(compacting, partition);
    for (const part of ['replaced', 'made', 'deleted'] as const) total[part] += report[part];
    for (const { path } of [...manifest.files, ...manifest.replaced]) named.add(path);
    token = manifest.token;
  }
  total.deleted += await deleteLeftovers(compacting, named, token);
  return total;
}

/** Until nothing is left to do. */
async function compactPartition(
  compacting: Compacting,
  partition: Partition,
): Promise<CompactReport & { readonly manifest: Manifest }> {
  const { right, dir, grace, store } = compacting;
  const report = { replaced: 0, made: 0, deleted: 0 };
  for (;;) {
    const manifest = await right.takeOver(partition);
    const { number } = partition;
    const erased = mergeTombstones(manifest.erased, await erasuresIn(store, number), number);
    const over = manifest.replaced.filter(({ at }) => at + grace * 1_000 <= store.clock.wall());
    const isStale = manifest.files.some((file) => file.erased < latestOf(erased));
    const groups = groupsOf(manifest.files);
    if (groups.length === 0 && over.length === 0 && !isStale) return { ...report, manifest };
    await right.step('delete');
    for (const { path } of over) await unlink(join(dir, path)).catch(ifMissing);
    const made: ExportedFile[] = [];
    const placed: string[] = [];
    try {
      groups.push(...(await withErasedRows(compacting, manifest, { groups, erased })));
      for (const group of groups) made.push(await merge(compacting, manifest, { group, erased, placed }));
    } catch (error) {
      // The files are gone where another has made a manifest meanwhile: then that is looked at.
      if (await right.isLatest(manifest)) throw error;
      await right.discard(partition, placed);
      continue;
    }
    const old = new Set(groups.flat());
    const kept = manifest.files.filter((file) => !old.has(file));
    await right.step('name');
    const isMade = await right.make({
      ...manifest,
      files: [...kept, ...made.filter(({ rows }) => rows > 0)].map((file) => ({
        ...file,
        erased: Math.max(file.erased, latestOf(erased)),
      })),
      // Neither files nor the log have rows any more of what was restored since.
      erased: erased.filter(({ until }) => until === undefined || until > exportedTo(manifest)),
      replaced: [
        ...manifest.replaced.filter((each) => !over.includes(each)),
        ...[...old, ...made.filter(({ rows }) => rows === 0)].map(({ path }) => ({
          path,
          at: store.clock.wall(),
        })),
      ],
    });
    if (isMade) {
      report.replaced += old.size;
      report.made += made.length;
      report.deleted += over.length;
    } else await right.discard(partition, placed);
  }
}

/** Files of no group that have rows of entities that were erased since they were written, each as a group of its own. */
async function withErasedRows(
  { store, duckdb, dir }: Compacting,
  { files, partition }: Manifest,
  { groups, erased }: { readonly groups: readonly ExportedFile[][]; readonly erased: readonly Tombstone[] },
): Promise<ExportedFile[][]> {
  const found: ExportedFile[][] = [];
  const grouped = new Set(groups.flat());
  for (const file of files) {
    if (grouped.has(file) || file.erased >= latestOf(erased)) continue;
    const later = erased.filter(({ n }) => n > file.erased);
    const isErased = isErasedSql(new Map([[partition, later]]), await partsOfIds(store, file.view));
    if (isErased !== undefined && (await countIn(duckdb, [join(dir, file.path)], isErased)) > 0)
      found.push([file]);
  }
  return found;
}

/** Up to which place the log is exported. */
const exportedTo = ({ epochs }: Manifest): number => epochs.at(-1)?.through ?? 0;

const partsOfIds = async ({ definitions }: StoreParts, view: string): Promise<readonly string[]> =>
  (await definitions.fetch(view)).entity.parts;

async function countIn(duckdb: DuckDb, files: readonly string[], where: string): Promise<number> {
  const read = await duckdb.runAndReadAll(`SELECT count(*) AS n FROM ${filesOf(files)} WHERE ${where}`);
  return Number(read.getRowObjectsJS()[0]?.['n']);
}

/** Files that become one: of one folder and kind, in their order. */
function groupsOf(files: readonly ExportedFile[]): ExportedFile[][] {
  const groups: ExportedFile[][] = [];
  const open = new Map<string, { files: ExportedFile[]; rows: number }>();
  for (const file of files) {
    if (file.rows > ROWS / 2) continue;
    const name = `${file.kind} ${dirname(file.path)}`;
    let group = open.get(name);
    if (group === undefined || group.rows + file.rows > ROWS) {
      group = { files: [], rows: 0 };
      open.set(name, group);
      groups.push(group.files);
    }
    group.files.push(file);
    group.rows += file.rows;
  }
  return groups.filter((group) => group.length > 1);
}

interface Merging {
  readonly group: readonly ExportedFile[];
  readonly erased: readonly Tombstone[];
  readonly placed: string[];
}

async function merge(
  { duckdb, dir, right, store }: Compacting,
  { partition, token }: Manifest,
  { group, erased, placed }: Merging,
): Promise<ExportedFile> {
  const first = group[0] as ExportedFile;
  const suffix = first.kind === 'undecoded' ? '-undecoded' : '';
  const path = join(dirname(first.path), `${partition}-${randomUUID()}-${token}${suffix}.parquet`);
  const sources = group.map((file) => join(dir, file.path));
  const parts = erased.length === 0 ? [] : await partsOfIds(store, first.view);
  const isErased = isErasedSql(new Map([[partition, erased]]), parts) ?? 'false';
  const gone = await countIn(duckdb, sources, isErased);
  const rows = await right.place(path, placed, async (file) => {
    await duckdb.run(
      `COPY (SELECT * FROM ${filesOf(sources)} WHERE NOT (${isErased})) TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return countIn(duckdb, [file], 'true');
  });
  const wanted = group.reduce((sum, file) => sum + file.rows, 0) - gone;
  if (rows === wanted) return { ...first, path, rows };
  throw new Error(
    `${group.length} files in ${dirname(first.path)} have ${rows} rows, and the manifest says ${wanted}; nothing was replaced.`,
  );
}

/**
 * Deletes files that no manifest names and none will: those whose name has a lower token than the one that has the folder. Those of
 * this token may be of an export that is under way.
 */
async function deleteLeftovers(
  { dir, right, store }: Compacting,
  named: ReadonlySet<string>,
  token: number,
): Promise<number> {
  await right.step('delete');
  let deleted = 0;
  for (const folder of await readdir(dir, { withFileTypes: true })) {
    if (!folder.isDirectory() || folder.name === '_manifest') continue;
    const paths = await readdir(join(dir, folder.name), { recursive: true });
    for (const path of paths.map((each) => join(folder.name, each))) {
      const [, partition, by] =
        /^\.?(\d+)-.*-(\d+)(?:-undecoded)?\.parquet(?:\.\d+)?$/.exec(basename(path)) ?? [];
      const isOurs = Number(partition) < store.partitions.length && Number(by) < token;
      if (!isOurs || named.has(path)) continue;
      await unlink(join(dir, path)).catch(ifMissing);
      deleted += 1;
    }
  }
  return deleted;
}

function ifMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
