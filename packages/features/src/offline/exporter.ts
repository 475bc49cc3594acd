/**
 * Moves the logs of a store into Parquet files, partition by partition: reads a part, writes files aside and renames them,
 * names them in the next manifest, and only then trims the log.
 *
 * Guarantees: wherever it stops, every accepted row is in the log or in a file that the manifest names, and in no two such
 * files. An exporter whose token is lower than another's names nothing and trims nothing: the log has a mark, and so has
 * the manifest, which a server that forgot does not take back.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  having,
  MisuseError,
  passedOn,
  type Readers,
  readOptions,
  type TokenHolder,
  text,
} from '@holdfast/kernel';
import type { StoredView } from '../definition/stored.js';
import { forgetEnded } from '../generation/ended.js';
import { eraseOnline } from '../store/erase.js';
import type { Partition } from '../store/partition.js';
import { COMPACT, type CompactOptions, type CompactReport, compactFiles } from './compact.js';
import type { DuckDb } from './duckdb.js';
import { type ReadEntry, readLog } from './log-entries.js';
import { type LoggedRow, writeLogFile, writeRawFile } from './log-files.js';
import { type ExportedFile, type Manifest, requireStore } from './manifest.js';
import { erasuresIn, identityOf, type StoreParts } from './parts.js';
import { ExportRight, type RightParts, refusedRight } from './right.js';
import { eraser, latestOf, mergeTombstones, type Tombstone } from './tombstones.js';

/** How many entries of a log are read at a time; each has up to 256 rows. */
const ENTRIES = 64;
/** After how many rows files are written. */
const ROWS = 100_000;
const DAY = 86_400_000_000;

export interface ExporterOptions {
  /** A connection of `@duckdb/node-api`. */
  readonly duckdb: DuckDb;
  /** The folder of the files. A store has one, and no other store uses it. */
  readonly dir: string;
  /** An exporter of a lower token exports nothing from the first call of `run` on. */
  readonly holder: TokenHolder;
}

export const EXPORTER = {
  duckdb: having<DuckDb>('run', 'createAppender'),
  dir: text('the path of a folder'),
  holder: passedOn<TokenHolder>(),
} satisfies Readers<ExporterOptions>;

export interface ExportReport {
  /** Rows of views, changes of flags, and additions to windows. */
  readonly rows: number;
  /** Of them, those that could not be decoded, which are kept as they are in files of their own. */
  readonly undecoded: number;
  readonly files: number;
  /** Parts of logs that had been trimmed before they were exported here. */
  readonly lost: number;
}

export interface ExporterParts extends ExporterOptions, RightParts {
  readonly store: StoreParts;
}

type Row = ReadEntry['rows'][number];

interface Writing {
  readonly rows: readonly Row[];
  readonly erased: readonly Tombstone[];
  /** The paths of what was written. */
  readonly placed: string[];
}

export class Exporter {
  readonly #parts: ExporterParts;
  readonly #right: ExportRight;

  /** Use store.exporter(). */
  constructor(parts: ExporterParts) {
    this.#parts = parts;
    this.#right = new ExportRight(parts);
  }

  /**
   * Exports what is in the logs when it begins. Throws StaleTokenError if an exporter of a higher token was here,
   * IssuerMismatchError if one with tokens of another issuer was, MisuseError for the folder of another store or of a copy of it,
   * UnavailableError, and what the holder's signal aborts with: run it again, it goes on where it was.
   */
  run(): Promise<ExportReport> {
    const { telemetry } = this.#parts.store;
    return telemetry.exporting(async () => {
      try {
        return await this.#run();
      } catch (error) {
        throw telemetry.refused('exporter', error);
      }
    });
  }

  /**
   * Makes fewer and larger files of those that there are. Throws what `run` throws: call it again, it goes on where it was.
   */
  async compact(options: CompactOptions = {}): Promise<CompactReport> {
    const { grace } = readOptions('compact()', options, COMPACT);
    const { dir, store } = this.#parts;
    await requireStore(dir, await identityOf(store));
    return compactFiles({ ...this.#parts, right: this.#right, grace });
  }

  async #run(): Promise<ExportReport> {
    const { dir, store } = this.#parts;
    await requireStore(dir, await identityOf(store));
    // Nothing lands in these any more, so once the logs as they are now are exported, their definitions decode nothing.
    const ended = await store.catalog.mirror();
    const total = { rows: 0, undecoded: 0, files: 0, lost: 0 };
    for (const partition of store.partitions) {
      for (const { files, lost } of await this.#export(partition)) {
        total.files += files.length;
        total.lost += lost.length;
        for (const { kind, rows } of files) {
          total.rows += rows;
          if (kind === 'undecoded') total.undecoded += rows;
        }
      }
    }
    await forgetEnded(store.catalog, store.partitions, ended);
    return total;
  }

  /** What each manifest has added. */
  async #export(partition: Partition): Promise<Pick<Manifest, 'files' | 'lost'>[]> {
    const added: Pick<Manifest, 'files' | 'lost'>[] = [];
    let until: number | undefined;
    for (;;) {
      const manifest = await this.#right.takeOver(partition);
      const erased = mergeTombstones(
        manifest.erased,
        await erasuresIn(this.#parts.store, partition.number),
        partition.number,
      );
      const part = await this.#read(partition, manifest, until);
      until ??= part.until;
      if (part.epochs !== undefined) {
        const placed: string[] = [];
        const files = await this.#write(partition, { ...part, erased, placed }).catch(
          async (error: unknown) => {
            // The holder that has the folder now deletes what this one has written: look again.
            if (await this.#right.isLatest(manifest)) throw error;
            return undefined;
          },
        );
        if (files === undefined) {
          await this.#right.discard(partition, placed);
          continue;
        }
        await this.#right.step('name');
        const epochs = [...part.epochs.values()];
        const next = {
          ...manifest,
          epochs,
          erased,
          lost: [...manifest.lost, ...part.lost],
          files: [...manifest.files, ...files],
        };
        if (!(await this.#right.make(next))) {
          // It is another's turn, or that of a call of this one: look again.
          await this.#right.discard(partition, placed);
          continue;
        }
        added.push({ files, lost: part.lost });
        for (const { view, rows } of files) this.#parts.store.telemetry.exported(view, rows);
      }
      await this.#trim(partition, part);
      if (part.isLast) return added;
    }
  }

  /** The next part of the log that is in no file yet. */
  async #read(partition: Partition, manifest: Manifest, limit: number | undefined) {
    const exported = new Map(manifest.epochs.map((each) => [each.epoch, each]));
    const throughOf = (epoch: string): number => exported.get(epoch)?.through ?? 0;
    const prefix = partition.keys.row('', '').slice(0, -1);
    const rows: Row[] = [];
    const lost: Manifest['lost'][number][] = [];
    let cursor = {
      epoch: manifest.epochs.at(-1)?.epoch ?? '',
      through: manifest.epochs.at(-1)?.through ?? 0,
    };
    let [isNew, until] = [false, limit];
    let inEpoch = cursor.epoch;
    for (;;) {
      const claimed = await this.#right.claim(partition, { ...cursor, most: ENTRIES });
      until ??= claimed.last;
      const { trimmed } = claimed;
      this.#requireLatest(manifest, claimed.epoch);
      if (trimmed !== undefined && throughOf(trimmed.epoch) < trimmed.through) {
        lost.push({ ...trimmed, after: throughOf(trimmed.epoch) });
        exported.set(trimmed.epoch, { ...exported.get(trimmed.epoch), ...trimmed });
        isNew = true;
      }
      if (claimed.epoch !== cursor.epoch) {
        // The log is read from its beginning; places of another epoch say nothing of this one.
        if (manifest.epochs.length > 0) await this.#eraseAgain(manifest);
        inEpoch = trimmed?.epoch ?? '';
        cursor = { epoch: claimed.epoch, through: 0 };
      }
      const log = readLog(claimed.entries, { partition: partition.number, prefix, epoch: inEpoch });
      for (const { epoch, place, reset, rows: found } of log) {
        [inEpoch, cursor] = [epoch, { epoch: claimed.epoch, through: place }];
        if (place <= throughOf(epoch)) continue;
        const known = { ...exported.get(epoch), ...(reset && { began: place, ...reset }) };
        exported.delete(epoch); // so that it is the last one
        exported.set(epoch, { ...known, epoch, through: place });
        isNew = true;
        rows.push(...found);
      }
      const isLast = claimed.entries.length < ENTRIES || cursor.through >= until;
      if (!isLast && rows.length < ROWS) continue;
      const [ofLast, through] = [inEpoch, cursor.through];
      return {
        rows,
        lost,
        until,
        isLast,
        epoch: claimed.epoch,
        ofLast,
        through,
        epochs: isNew ? exported : undefined,
      };
    }
  }

  /**
   * A server never comes back to an epoch: one that answers in an epoch after which the folder has another is beside a copy of
   * itself, which exports to the same folder.
   */
  #requireLatest({ epochs }: Manifest, epoch: string): void {
    const latest = epochs.at(-1)?.epoch;
    if (latest === epoch || !epochs.some((each) => each.epoch === epoch)) return;
    const { dir, store } = this.#parts;
    throw new MisuseError(
      `The folder ${dir} has rows of a copy of the store "${store.name}" (its epoch ${latest}; this one is in ${epoch}), which goes on beside it. Give one of the two a folder of its own.`,
    );
  }

  /** A server that has forgotten something may have forgotten what was erased, and have its rows back. */
  async #eraseAgain({ erased }: Manifest): Promise<void> {
    for (const { name, until } of erased) {
      if (until === undefined) await eraseOnline(this.#parts.store, name, undefined);
    }
  }

  async #write(partition: Partition, { rows, erased, placed }: Writing): Promise<ExportedFile[]> {
    const groups = new Map<string, Row[]>();
    for (const row of rows) {
      const group = groups.get(groupOf(row));
      if (group === undefined) groups.set(groupOf(row), [row]);
      else group.push(row);
    }
    const files: Omit<ExportedFile, 'erased'>[] = [];
    const known = new Map<string, StoredView>();
    for (const group of groups.values()) {
      const { view, generation } = group[0] as Row;
      const name = `${view}.${generation}`;
      const stored = known.get(name) ?? (await this.#parts.store.definitions.of(view, generation));
      known.set(name, stored);
      const isErased = eraser(erased, stored.entity.parts);
      const kept = group.filter((row) => !isErased(row));
      if (kept.length > 0) files.push(...(await this.#writeGroup(partition, stored, { rows: kept, placed })));
    }
    return files.map((file) => ({ ...file, erased: latestOf(erased) }));
  }

  async #writeGroup(
    partition: Partition,
    stored: StoredView,
    { rows: group, placed }: Pick<Writing, 'rows' | 'placed'>,
  ): Promise<Omit<ExportedFile, 'erased'>[]> {
    const { duckdb, holder } = this.#parts;
    const [first, last] = [group[0] as Row, group.at(-1) as Row];
    const { view, generation, epoch } = first;
    const day = new Date(Math.floor(first.place / DAY) * (DAY / 1_000)).toISOString().slice(0, 10);
    const folder = join(view, `g=${generation}`, `day=${day}`);
    // Of two calls of one holder, neither deletes or replaces a file of the other.
    const attempt = randomUUID().slice(0, 8);
    const name = `${partition.number}-${epoch}-${first.place}-${last.place}-${attempt}-${holder.token}`;
    const files: Omit<ExportedFile, 'erased'>[] = [];
    const place = async (
      kind: ExportedFile['kind'],
      write: (file: string) => Promise<number>,
    ): Promise<void> => {
      const path = join(folder, `${name}${kind === 'undecoded' ? '-undecoded' : ''}.parquet`);
      const count = await this.#right.place(path, placed, write);
      if (count > 0) files.push({ path, view, generation, kind, rows: count });
    };
    if (stored.kind === 'windows') {
      await place('additions', (file) => writeRawFile(duckdb, group, file));
      return files;
    }
    let undecoded: readonly LoggedRow[] = [];
    await place('rows', async (file) => {
      const report = await writeLogFile(duckdb, stored, group, file);
      undecoded = report.undecoded;
      return report.rows;
    });
    if (undecoded.length > 0) await place('undecoded', (file) => writeRawFile(duckdb, undecoded, file));
    return files;
  }

  async #trim(partition: Partition, part: { epoch: string; ofLast: string; through: number }): Promise<void> {
    const { holder } = this.#parts;
    const { epoch, ofLast, through } = part;
    if (through === 0) return;
    await this.#right.step('trim');
    const request = { token: holder.token, issuer: holder.issuer, epoch, through, ofLast };
    const reply = await partition.call(partition.verbs.trim, request);
    if (reply.word === 'stale') throw refusedRight(holder, reply);
  }
}

/** Rows of one file. */
const groupOf = ({ view, generation, epoch, place }: Row): string =>
  [view, generation, epoch, Math.floor(place / DAY)].join(' ');
