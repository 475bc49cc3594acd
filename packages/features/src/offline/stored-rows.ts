/**
 * The accepted rows of a store, wherever they are: in the files that the manifests of a folder name, and in the logs.
 *
 * Guarantees: each row that was accepted before the call is there once, also while an exporter moves it: the logs are read
 * first, then the manifests, and a row of a log counts only where no manifest has its place. What others had trimmed before
 * this folder had it is told as lost.
 */
import { join } from 'node:path';
import type { Partition } from '../store/partition.js';
import type { DuckDb } from './duckdb.js';
import type { LogEpoch } from './epochs.js';
import { type ReadEntry, readLog } from './log-entries.js';
import { writeLogFile, writeRawFile } from './log-files.js';
import { type LogRange, latestManifest, type Manifest } from './manifest.js';
import { erasuresIn, type StoreParts } from './parts.js';
import { mergeTombstones, type Tombstone } from './tombstones.js';

/** How many entries of a log are read at a time. */
const ENTRIES = 64;
/** After how many rows a file is written. */
const ROWS = 50_000;

/** The files of one generation of a view. */
interface StoredFiles {
  readonly exported: string[];
  /** Of a log. Rows of them count only after what `exportedThrough` says. */
  readonly logged: string[];
}

export interface StoredRows {
  /** By "<view>.<generation>". */
  readonly files: ReadonlyMap<string, StoredFiles>;
  /** By partition. */
  readonly epochs: ReadonlyMap<number, readonly LogEpoch[]>;
  /** Up to which place manifests have each epoch. */
  readonly exportedThrough: readonly (LogEpoch & { readonly partition: number })[];
  readonly lost: readonly (LogRange & { readonly partition: number })[];
  /** By partition. */
  readonly erased: ReadonlyMap<number, readonly Tombstone[]>;
}

interface Collecting {
  readonly store: StoreParts;
  readonly duckdb: DuckDb;
  /** With the files of an exporter; undefined for a store that has none. */
  readonly dir: string | undefined;
  /** For the rows of logs. */
  readonly scratch: string;
  readonly views: ReadonlySet<string>;
}

type Row = ReadEntry['rows'][number];

export async function collectRows(collecting: Collecting): Promise<StoredRows> {
  const { store, dir, views } = collecting;
  const files = new Map<string, StoredFiles>();
  const filesFor = (view: string, generation: string): StoredFiles => {
    const name = `${view}.${generation}`;
    const known = files.get(name) ?? { exported: [], logged: [] };
    files.set(name, known);
    return known;
  };
  const epochs = new Map<number, readonly LogEpoch[]>();
  const exportedThrough: StoredRows['exportedThrough'][number][] = [];
  const lost: StoredRows['lost'][number][] = [];
  const erased = new Map<number, readonly Tombstone[]>();
  for (const partition of store.partitions) {
    const { number } = partition;
    const log = await readWholeLog(collecting, partition, filesFor);
    const manifest = dir === undefined ? undefined : await latestManifest(dir, number);
    for (const file of manifest?.files ?? []) {
      const isWanted = views.has(file.view) && file.kind !== 'undecoded';
      if (isWanted) filesFor(file.view, file.generation).exported.push(join(dir ?? '', file.path));
    }
    exportedThrough.push(...(manifest?.epochs ?? []).map((each) => ({ ...each, partition: number })));
    epochs.set(number, merged(manifest, log.epochs));
    erased.set(number, mergeTombstones(manifest?.erased ?? [], await erasuresIn(store, number), number));
    lost.push(...lostIn(manifest, log.trimmed).map((range) => ({ ...range, partition: number })));
  }
  return { files, epochs, exportedThrough, lost, erased };
}

interface ReadWhole {
  readonly epochs: ReadonlyMap<string, LogEpoch>;
  readonly trimmed: { readonly epoch: string; readonly through: number } | undefined;
}

async function readWholeLog(
  { store, duckdb, scratch, views }: Collecting,
  partition: Partition,
  filesFor: (view: string, generation: string) => StoredFiles,
): Promise<ReadWhole> {
  const prefix = partition.keys.row('', '').slice(0, -1);
  const epochs = new Map<string, LogEpoch>();
  let trimmed: ReadWhole['trimmed'];
  let [server, inEpoch, through, count, parts] = ['', '', 0, 0, 0];
  const groups = new Map<string, Row[]>();
  const flush = async (): Promise<void> => {
    for (const group of groups.values()) {
      const { view, generation } = group[0] as Row;
      const stored = await store.definitions.of(view, generation);
      const file = join(scratch, `${partition.number}-${parts++}.parquet`);
      if (stored.kind !== 'windows') await writeLogFile(duckdb, stored, group, file);
      else await writeRawFile(duckdb, group, file);
      filesFor(view, generation).logged.push(file);
    }
    groups.clear();
    count = 0;
  };
  for (;;) {
    const page = await partition.call(partition.verbs.browse, { through, most: ENTRIES });
    if (server !== page.epoch) {
      // Places of another server's log may be those of other entries: it is read from its beginning. What was read before
      // counts once all the same, by its epoch and place.
      [server, inEpoch] = [page.epoch, ''];
      if (through > 0) {
        through = 0;
        continue;
      }
    }
    trimmed = page.trimmed;
    if (trimmed !== undefined && trimmed.through >= through) inEpoch = trimmed.epoch;
    for (const entry of readLog(page.entries, { partition: partition.number, prefix, epoch: inEpoch })) {
      const { epoch, place, reset, rows } = entry;
      [inEpoch, through] = [epoch, place];
      const known = epochs.get(epoch);
      if (known !== undefined && known.through >= place) continue;
      epochs.set(epoch, { ...known, ...(reset && { began: place, ...reset }), epoch, through: place });
      for (const row of rows) {
        if (!views.has(row.view)) continue;
        const name = `${row.view}.${row.generation}`;
        const group = groups.get(name);
        if (group === undefined) groups.set(name, [row]);
        else group.push(row);
        count += 1;
      }
    }
    const isLast = page.entries.length < ENTRIES;
    if (isLast || count >= ROWS) await flush();
    if (isLast) return { epochs, trimmed };
  }
}

/** What the manifest knows of epochs, and what is in the log alone. */
function merged(manifest: Manifest | undefined, logged: ReadWhole['epochs']): readonly LogEpoch[] {
  const all = new Map((manifest?.epochs ?? []).map((each) => [each.epoch, each]));
  for (const [epoch, each] of logged) {
    const known = all.get(epoch);
    all.set(epoch, { ...known, ...each, through: Math.max(known?.through ?? 0, each.through) });
  }
  return [...all.values()];
}

/** What was trimmed, and no file of this folder has. */
function lostIn(manifest: Manifest | undefined, trimmed: ReadWhole['trimmed']): readonly LogRange[] {
  const lost = manifest?.lost ?? [];
  if (trimmed === undefined) return lost;
  const after = manifest?.epochs.find(({ epoch }) => epoch === trimmed.epoch)?.through ?? 0;
  return after >= trimmed.through ? lost : [...lost, { ...trimmed, after }];
}
