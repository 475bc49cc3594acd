/**
 * The manifests of a folder of exported rows: for each partition, which files there are, and up to where they have its log.
 * They lie beside the files, as "_manifest/<partition>/<number>.json"; the highest number counts, and a few before it are kept.
 *
 * Guarantees: of two writers of one number, one makes it and the other is told, also where that number was deleted since. A
 * manifest that is there is whole, also after a power failure. Files that no manifest names, as those of a writer that crashed, are no data.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { display, MisuseError } from '@holdfast/kernel';
import type { LogEpoch } from './epochs.js';
import type { Tombstone } from './tombstones.js';

/** A Parquet file, and what it has. */
export interface ExportedFile {
  /** Below the folder. */
  readonly path: string;
  readonly view: string;
  readonly generation: string;
  /** `rows`, or changes of flags, with a column a feature, `additions` to windows, or `undecoded` rows: torn, or of an unknown schema. */
  readonly kind: 'rows' | 'additions' | 'undecoded';
  readonly rows: number;
  /** The number of the last erasure that it was written by. */
  readonly erased: number;
}

/** A span of one epoch of a log, by places. */
export interface LogRange {
  readonly epoch: string;
  readonly after: number;
  readonly through: number;
}

export interface Manifest {
  readonly format: 1;
  readonly partition: number;
  readonly number: number;
  /** Of the exporter that wrote it. */
  readonly token: number;
  readonly issuer: string;
  /** Up to which place the log of each epoch was exported; the last one is the latest. */
  readonly epochs: readonly LogEpoch[];
  /** What others had trimmed before it was exported here. */
  readonly lost: readonly LogRange[];
  readonly files: readonly ExportedFile[];
  /** Entities whose rows in the files are no data. */
  readonly erased: readonly Tombstone[];
  /** Files that others have replaced, and when, in microseconds since the epoch: they are still there, and are no data any more. */
  readonly replaced: readonly { readonly path: string; readonly at: number }[];
}

/** Which store a folder is for. */
export interface StoreIdentity {
  /** No other store has it, whatever its name. */
  readonly id: string;
  readonly store: string;
  readonly prefix: string;
  readonly partitions: number;
}

const folderOf = (dir: string, partition: number): string => join(dir, '_manifest', String(partition));
const nameOf = (number: number): string => `${number}.json`;

/** How many manifests of a partition are kept. */
const KEPT = 3;

/** The manifest that counts, undefined before the first. */
export async function latestManifest(dir: string, partition: number): Promise<Manifest | undefined> {
  for (;;) {
    const numbers = await numbersIn(dir, partition);
    if (numbers.length === 0) return undefined;
    const file = join(folderOf(dir, partition), nameOf(Math.max(...numbers)));
    const text = await readFile(file, 'utf8').catch(ifMissing);
    if (text === undefined) continue; // it was deleted meanwhile, so there are later ones
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.format === 1) return manifest;
    throw new MisuseError(`${file} was written by a newer version of @holdfast/features; update it here.`);
  }
}

/** Makes a manifest, and deletes those long before it. False if another has made one of this number. */
export async function makeManifest(dir: string, manifest: Manifest): Promise<boolean> {
  const { partition, number } = manifest;
  const folder = folderOf(dir, partition);
  if (!(await makeOnce(folder, nameOf(number), manifest))) return false;
  const numbers = await numbersIn(dir, partition);
  const latest = Math.max(...numbers);
  // Manifests are deleted once there are `KEPT` higher ones: this number may have been there before.
  const isFirst = latest < number + KEPT;
  const old = numbers.filter((each) => each <= latest - KEPT);
  for (const each of old) await unlink(join(folder, nameOf(each))).catch(ifMissing);
  return isFirst;
}

async function numbersIn(dir: string, partition: number): Promise<readonly number[]> {
  const names = (await readdir(folderOf(dir, partition)).catch(ifMissing)) ?? [];
  return names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
}

/** Names the store in a new folder. Throws MisuseError for the folder of another one. */
export async function requireStore(dir: string, identity: StoreIdentity): Promise<void> {
  const folder = join(dir, '_manifest');
  const wanted = JSON.stringify({ format: 1, ...identity });
  if (await makeOnce(folder, 'store.json', { format: 1, ...identity })) return;
  const found = await readFile(join(folder, 'store.json'), 'utf8');
  if (found === wanted) return;
  throw otherStore(dir, found, wanted);
}

const otherStore = (dir: string, found: string, wanted: string): MisuseError =>
  new MisuseError(
    `The folder ${dir} has the rows of another store, ${found}; this one is ${wanted}. Each store has a folder of its own.`,
  );

/** Which store a folder is for. Throws MisuseError for a folder without an export. */
async function storeOf(dir: string): Promise<StoreIdentity> {
  const store = await readFile(join(dir, '_manifest', 'store.json'), 'utf8').catch(() => {
    throw new MisuseError(`The folder ${display(dir)} has no exported rows; run an exporter first.`);
  });
  return JSON.parse(store) as StoreIdentity;
}

/** Throws MisuseError for a folder that has the rows of another store, or none. */
export async function requireExportOf(dir: string, identity: StoreIdentity): Promise<void> {
  const found = JSON.stringify(await storeOf(dir));
  const wanted = JSON.stringify({ format: 1, ...identity });
  if (found !== wanted) throw otherStore(dir, found, wanted);
}

/** Rows of a view, as `trainingSet` takes them. */
export interface ExportedRows {
  /** Parquet files, each with a column a feature. */
  readonly files: readonly string[];
  /** What had been trimmed before it was exported here, by partition: training sets lack it. */
  readonly lost: readonly (LogRange & { readonly partition: number })[];
}

/**
 * The files with the rows of a view that manifests name. Others in the folder are no data. Throws MisuseError for a folder
 * without an export.
 */
export async function exportedRows(dir: string, view: string): Promise<ExportedRows> {
  const { partitions } = await storeOf(dir);
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const found = await Promise.all(numbers.map((partition) => latestManifest(dir, partition)));
  const manifests = found.filter((each) => each !== undefined);
  const files = manifests
    .flatMap((manifest) => manifest.files)
    .filter((file) => file.view === view && file.kind === 'rows');
  const lost = manifests.flatMap((each) =>
    each.lost.map((range) => ({ ...range, partition: each.partition })),
  );
  return { files: files.map(({ path }) => join(dir, path)), lost };
}

/** A file that was written aside is linked to its name, which fails where there is one. */
async function makeOnce(folder: string, name: string, content: object): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `.${randomUUID()}`);
  const file = await open(aside, 'wx');
  try {
    await file.writeFile(JSON.stringify(content));
    await file.sync();
    await link(aside, join(folder, name));
    await syncPath(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close();
    await unlink(aside);
  }
}

/** Has what was written to a file or a folder on the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
