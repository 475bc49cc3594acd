/**
 * Compaction: fewer and larger files of those that an exporter has made, so that neither files nor manifests grow without bound.
 *
 * Guarantees: wherever it stops, each row is in one file that the manifest names: the new files take the place of the old ones
 * in one manifest. The old ones are deleted after a grace, so that who has just read the manifest can read them; what a crash has
 * left to delete, the next compaction deletes, also files that a deposed holder has never named.
 */
import { randomUUID } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { duration, type Readers, withDefault } from '@holdfast/kernel';
import type { Partition } from '../store/partition.js';
import { type DuckDb, filesOf, quoted } from './duckdb.js';
import { type ExportedFile, latestManifest, type Manifest } from './manifest.js';
import type { StoreParts } from './parts.js';
import type { ExportRight } from './right.js';

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
    const over = manifest.replaced.filter(({ at }) => at + grace * 1_000 <= store.clock.wall());
    const groups = groupsOf(manifest.files);
    if (groups.length === 0 && over.length === 0) return { ...report, manifest };
    await right.step('delete');
    for (const { path } of over) await unlink(join(dir, path)).catch(ifMissing);
    const made: ExportedFile[] = [];
    try {
      for (const group of groups) made.push(await merge(compacting, manifest, group));
    } catch (error) {
      // The files are gone where another has made a manifest meanwhile: then that is looked at.
      if (await right.isLatest(manifest)) throw error;
      await deleteUnnamed(dir, partition, made);
      continue;
    }
    const old = new Set(groups.flat());
    await right.step('name');
    const isMade = await right.make({
      ...manifest,
      files: [...manifest.files.filter((file) => !old.has(file)), ...made],
      replaced: [
        ...manifest.replaced.filter((each) => !over.includes(each)),
        ...[...old].map(({ path }) => ({ path, at: store.clock.wall() })),
      ],
    });
    if (isMade) {
      report.replaced += old.size;
      report.made += made.length;
      report.deleted += over.length;
    } else await deleteUnnamed(dir, partition, made);
  }
}

/** Files of a manifest that was not made: another came first. */
async function deleteUnnamed(
  dir: string,
  { number }: Partition,
  files: readonly ExportedFile[],
): Promise<void> {
  const manifest = await latestManifest(dir, number);
  const named = new Set([...(manifest?.files ?? []), ...(manifest?.replaced ?? [])].map(({ path }) => path));
  for (const { path } of files) if (!named.has(path)) await unlink(join(dir, path)).catch(ifMissing);
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

async function merge(
  { duckdb, dir, right }: Compacting,
  { partition, token }: Manifest,
  group: readonly ExportedFile[],
): Promise<ExportedFile> {
  const first = group[0] as ExportedFile;
  const suffix = first.kind === 'undecoded' ? '-undecoded' : '';
  const path = join(dirname(first.path), `${partition}-${randomUUID()}-${token}${suffix}.parquet`);
  const from = filesOf(group.map((file) => join(dir, file.path)));
  const rows = await right.place(dir, path, async (file) => {
    await duckdb.run(`COPY (SELECT * FROM ${from}) TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`);
    const [counted] = (
      await duckdb.runAndReadAll(`SELECT count(*) AS n FROM ${filesOf([file])}`)
    ).getRowObjectsJS();
    return Number(counted?.['n']);
  });
  const wanted = group.reduce((sum, file) => sum + file.rows, 0);
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
