/**
 * What exporters have moved out of the logs, judged when a log is trimmed, and in the end.
 *
 * Guarantees: nothing is trimmed that no manifest names, but for what was kept for long enough. In the end each row that was
 * accepted, and that the server has not forgotten, is in exactly one named file, or was erased, or is said to be lost; no file has
 * anything else. The tokens of manifests rise. Nobody exports under a token below another's.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { Disk } from '../world/disk.js';
import type { ErasuresSeen } from './erasures.js';
import { FOLDERS, headOf, PARTITIONS, partitionKey } from './names.js';
import { recordOf, type Server, type StreamValue } from './servers.js';
import type { TableRow } from './tables.js';

/** A row of an entry of a log. */
interface LoggedRow {
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly id: string;
  readonly row: string;
}

interface Entry {
  readonly epoch: string;
  readonly place: number;
  readonly rows: readonly LoggedRow[];
}

interface Manifest {
  readonly number: number;
  readonly token: number;
  readonly files: readonly { readonly path: string; readonly rows: number }[];
  readonly lost: readonly { readonly epoch: string; readonly after: number; readonly through: number }[];
  readonly replaced: readonly { readonly path: string }[];
}

interface ExportsOptions {
  readonly violate: Violate;
  readonly server: Server;
  readonly disk: Disk;
  readonly erasures: ErasuresSeen;
}

/** A row, by "<partition> <epoch> <place> <seat>". */
const nameOf = (partition: number, { epoch, place }: Entry, seat: number): string =>
  `${partition} ${epoch} ${place} ${seat}`;

export class ExportsSeen {
  readonly #options: ExportsOptions;
  /** Of each partition, what its log has had, as far as it is not forgotten: in the order of their places. */
  readonly #entries = Array.from({ length: PARTITIONS }, () => new Map<number, Entry>());
  /** All rows that were ever in a log. */
  readonly #ever = new Map<string, LoggedRow>();
  /** The highest token that has claimed the log of a partition. */
  readonly #claimed = new Map<number, number>();
  /** Places of entries that were dropped as they had been kept for long enough. */
  readonly #fallen = Array.from({ length: PARTITIONS }, () => new Set<number>());
  /** Of the latest manifest of a folder. */
  readonly #named = new Map<
    string,
    { readonly number: number; readonly rows: ReadonlyMap<string, TableRow> }
  >();

  constructor(options: ExportsOptions) {
    this.#options = options;
  }

  /** A partition has answered. */
  look(partition: number, { verb, args }: Call, reply: readonly unknown[]): void {
    if (verb === 'claim' && reply[0] === 'claimed') this.#claims(partition, Number(args[0]), 'claims');
    if (verb === 'trim' && reply[0] === 'trimmed') this.#claims(partition, Number(args[0]), 'trims');
    const before = this.#entries[partition];
    const entries = entriesOf(this.#options.server, partition);
    this.#note(partition, entries);
    if (before === undefined || (verb !== 'trim' && verb !== 'fall')) return;
    const there = new Set([...entries.keys()].map(placeOf));
    const gone = [...before.values()].filter(({ place }) => !there.has(place));
    if (verb === 'trim') this.#requireNamed(partition, gone);
    else for (const { place } of gone) this.#fallen[partition]?.add(place);
  }

  /** All that was accepted, also where the log was trimmed since, in the order of the log. */
  logged(partition: number): readonly LoggedRow[] {
    return [...(this.#entries[partition]?.values() ?? [])].flatMap(({ rows }) => rows);
  }

  /** Who exports is forgotten with the server's memory. */
  forgets(): void {
    this.#claimed.clear();
  }

  /** What the server knows is what counts from now on. */
  reload(): void {
    for (const [partition, known] of this.#entries.entries()) {
      const { server } = this.#options;
      const [, through = '-1'] = (recordOf(server, partition).get('trimmed') ?? '').split(' ');
      const there = new Set([...entriesOf(server, partition).keys()].map(placeOf));
      for (const place of known.keys()) if (place > Number(through) && !there.has(place)) known.delete(place);
      for (const place of this.#fallen[partition] ?? [])
        if (place > Number(through)) this.#fallen[partition]?.delete(place);
    }
  }

  /** All logs were exported, the files compacted twice, and nothing was under way. */
  judgeEnd(): void {
    const named = new Set<string>();
    for (const folder of this.#folders()) {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        this.#requireRising(folder, partition);
        for (const [name, row] of this.#rowsIn(folder, partition)) {
          if (named.has(name)) this.#options.violate('E1', `${name} is in two files`);
          named.add(name);
          this.#requireTrue(name, row);
        }
      }
    }
    for (const [partition, entries] of this.#entries.entries())
      for (const entry of entries.values()) this.#requireOnce(partition, entry, named);
    this.#requireTidy();
  }

  #claims(partition: number, token: number, what: string): void {
    const highest = this.#claimed.get(partition) ?? 0;
    if (token < highest)
      this.#options.violate(
        'E2',
        `under token ${token}, somebody ${what} the log of partition ${partition}, after ${highest}`,
      );
    this.#claimed.set(partition, Math.max(token, highest));
  }

  /** New entries of a log, all of the epoch of now. */
  #note(partition: number, entries: StreamValue['entries']): void {
    const known = this.#entries[partition];
    const epoch =
      String(this.#options.server.look(partitionKey(partition, 'at')) ?? '').split(' ', 1)[0] ?? '';
    const start = partitionKey(partition, '');
    for (const [id, fields] of [...entries].reverse()) {
      const place = placeOf(id);
      if (known?.has(place)) break;
      const rows: LoggedRow[] = [];
      for (let at = 0; at < fields.length; at += 2) {
        const name = fields[at] ?? '';
        if (!name.startsWith(start)) continue;
        const [generation = '', ...rest] = name.slice(start.length).split(':');
        rows.push({ generation, id: rest.join(':'), row: fields[at + 1] ?? '' });
      }
      const entry = { epoch, place, rows };
      known?.set(place, entry);
      for (const [seat, row] of rows.entries()) this.#ever.set(nameOf(partition, entry, seat), row);
    }
  }

  #requireNamed(partition: number, gone: readonly Entry[]): void {
    const all = this.#folders().map((folder) => this.#rowsIn(folder, partition));
    for (const entry of gone) {
      if (this.#fallen[partition]?.has(entry.place)) continue;
      for (const [seat, { id, generation }] of entry.rows.entries()) {
        const name = nameOf(partition, entry, seat);
        if (this.#options.erasures.ever.has(id) || all.some((rows) => rows.has(name))) continue;
        this.#options.violate('E1', `${name} of ${generation}:${id} was trimmed, and no manifest names it`);
      }
    }
  }

  #requireOnce(partition: number, entry: Entry, named: ReadonlySet<string>): void {
    for (const [seat, { id, generation }] of entry.rows.entries()) {
      const name = nameOf(partition, entry, seat);
      if (named.has(name) || this.#options.erasures.ever.has(id)) continue;
      if (this.#isLost(partition, entry)) {
        if (this.#fallen[partition]?.has(entry.place)) continue;
        this.#options.violate('E1', `${name} is said to be lost, and was not dropped`);
      } else this.#options.violate('E1', `${name} of ${generation}:${id} is in no file`);
    }
  }

  #isLost(partition: number, { epoch, place }: Entry): boolean {
    return this.#folders().some((folder) =>
      this.#latest(folder, partition)?.lost.some(
        (range) => range.epoch === epoch && range.after < place && place <= range.through,
      ),
    );
  }

  /** It is a row that was accepted, as it was. */
  #requireTrue(name: string, found: TableRow): void {
    const { violate, erasures } = this.#options;
    const logged = this.#ever.get(name);
    if (logged === undefined) {
      violate('E1', `${name} is in a file, and was in no log`);
      return;
    }
    const { id, generation, row } = logged;
    if (erasures.isErased(id)) violate('X3', `${name} is in a file, although ${id} is erased`);
    const isOf =
      `${generation.slice(generation.indexOf('.') + 1)} ${id}` === `${found['@generation']} ${found['@id']}`;
    const bytes = found['@bytes'];
    const isIt = bytes === undefined ? isAlike(row, found) : bytes === row;
    if (!isOf || !isIt) violate('E1', `${name} is in a file otherwise than it was accepted`);
  }

  #requireRising(folder: string, partition: number): void {
    const manifests = [...this.#manifests(folder, partition)].sort((one, other) => one.number - other.number);
    for (const [place, { token, number }] of manifests.entries())
      if (token < (manifests[place - 1]?.token ?? 0))
        this.#options.violate(
          'E2',
          `manifest ${number} of partition ${partition} was made under token ${token}, after ${manifests[place - 1]?.token}`,
        );
  }

  /** No files but those that manifests name, and those that they have replaced. */
  #requireTidy(): void {
    const { disk, violate } = this.#options;
    const folder = this.#folders().at(-1) ?? '';
    const named = new Set<string>();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { files = [], replaced = [] } = this.#latest(folder, partition) ?? {};
      for (const { path } of [...files, ...replaced]) named.add(`${folder}/${path}`);
    }
    for (const path of disk.below(folder))
      if (path.includes('.parquet') && !named.has(path)) violate('E3', `${path} is left, which is no data`);
  }

  #rowsIn(folder: string, partition: number): ReadonlyMap<string, TableRow> {
    const manifest = this.#latest(folder, partition);
    if (manifest === undefined) return new Map();
    const key = `${folder} ${partition}`;
    const known = this.#named.get(key);
    if (known?.number === manifest.number) return known.rows;
    const rows = new Map<string, TableRow>();
    for (const { path, rows: count } of manifest.files) {
      const found = (this.#options.disk.read(`${folder}/${path}`) ?? []) as readonly TableRow[];
      if (found.length !== count)
        this.#options.violate('E1', `${path} has ${found.length} rows, not ${count}`);
      for (const row of found) {
        const name = `${partition} ${row['@epoch']} ${row['@place']} ${row['@seat']}`;
        if (rows.has(name)) this.#options.violate('E1', `${name} is in two files of partition ${partition}`);
        rows.set(name, row);
      }
    }
    this.#named.set(key, { number: manifest.number, rows });
    return rows;
  }

  #folders(): readonly string[] {
    const { disk } = this.#options;
    return FOLDERS.map((name) => `${disk.root}/${name}`).filter((folder) =>
      disk.has(`${folder}/_manifest/store.json`),
    );
  }

  #manifests(folder: string, partition: number): readonly Manifest[] {
    const { disk } = this.#options;
    const paths = disk.below(`${folder}/_manifest/${partition}`).filter((path) => /\/\d+\.json$/.test(path));
    return paths.map((path) => JSON.parse(String(disk.read(path))) as Manifest);
  }

  #latest(folder: string, partition: number): Manifest | undefined {
    const all = this.#manifests(folder, partition);
    return all.find(({ number }) => number === Math.max(...all.map((each) => each.number)));
  }
}

const entriesOf = (server: Server, partition: number): StreamValue['entries'] =>
  (server.look(partitionKey(partition, 'log')) as StreamValue | undefined)?.entries ?? new Map();

/** In microseconds, of an id of an entry. */
function placeOf(id: string): number {
  const [ms = 0, us = 0] = id.split('-').map(Number);
  return 1_000 * ms + us;
}

/** A row of a file has what the header says; flags have none. */
function isAlike(row: string, found: TableRow): boolean {
  if (found['@rank'] === null) return true;
  const { time, rank, token } = headOf(row);
  return [time, rank, token].every(
    (value, at) => value === Number(found[['@time', '@rank', '@token'][at] ?? '']),
  );
}
