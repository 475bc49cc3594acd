/**
 * A connection of DuckDB, as far as an exporter uses one: tables to which rows are appended, and files that have their rows, on the
 * disk of the run.
 *
 * Guarantees: a statement does what it does at one moment, and takes time. One that is not known is an error that says so.
 */
import type { Disk } from '../world/disk.js';

/** A row of a table or of a file, by column. */
export type TableRow = Readonly<Record<string, unknown>>;

interface Table {
  readonly columns: readonly string[];
  readonly rows: TableRow[];
}

const NAME = '"((?:[^"]|"")*)"';
const TEXT = "'((?:[^']|'')*)'";
const plain = (name: string): string => name.replaceAll('""', '"');
const files = (list: string): readonly string[] =>
  [...list.matchAll(new RegExp(TEXT, 'g'))].map(([, path = '']) => path.replaceAll("''", "'"));

export class Tables {
  readonly #disk: Disk;
  readonly #tables = new Map<string, Table>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  run(sql: string): Promise<void> {
    return this.#disk.perform(() => this.#run(sql));
  }

  runAndReadAll(sql: string): Promise<{ getRowObjectsJS(): Record<string, unknown>[] }> {
    return this.#disk.perform(() => {
      const [, list = '', where = ''] =
        /^SELECT count\(\*\) AS n FROM read_parquet\(\[(.*?)\],.*?\) WHERE (.*)$/s.exec(sql) ?? unknown(sql);
      const n = this.#rowsOf(files(list)).filter(predicateOf(where)).length;
      return { getRowObjectsJS: () => [{ n }] };
    });
  }

  createAppender(name: string) {
    return this.#disk.perform(() => {
      const { columns, rows } = this.#tableOf(name);
      let values: unknown[] = [];
      const append = (value: unknown): void => void values.push(value);
      return {
        columnType: () => undefined,
        ...{ appendBigInt: append, appendBoolean: append, appendDouble: append, appendInteger: append },
        ...{ appendVarchar: append, appendList: append, appendNull: () => append(null) },
        appendBlob: (bytes: Uint8Array) => append(Buffer.from(bytes).toString('latin1')),
        endRow: () => {
          rows.push(Object.fromEntries(columns.map((column, place) => [column, values[place]])));
          values = [];
        },
        closeSync: () => {},
      };
    });
  }

  #run(sql: string): void {
    const created = new RegExp(`^CREATE OR REPLACE TEMP TABLE ${NAME} \\((.*)\\)$`, 's').exec(sql);
    const dropped = new RegExp(`^DROP TABLE ${NAME}$`).exec(sql);
    const copied = new RegExp(`^COPY (.*) TO ${TEXT} \\(FORMAT parquet, COMPRESSION zstd\\)$`, 's').exec(sql);
    if (created) {
      const columns = (created[2] ?? '').matchAll(new RegExp(`${NAME} [A-Z]`, 'g'));
      const names = [...columns].map(([, name = '']) => plain(name));
      this.#tables.set(plain(created[1] ?? ''), { columns: names, rows: [] });
    } else if (dropped) this.#tables.delete(plain(dropped[1] ?? ''));
    else if (copied)
      this.#disk.write((copied[2] ?? '').replaceAll("''", "'"), this.#selected(copied[1] ?? ''));
    else unknown(sql);
  }

  /** What is copied into a file: a table, or files without what is erased. */
  #selected(what: string): readonly TableRow[] {
    const [, whole] = new RegExp(`^${NAME}$`).exec(what) ?? [];
    const [, from] = new RegExp(`^\\(SELECT .* FROM ${NAME}\\)$`, 's').exec(what) ?? [];
    const table = whole ?? from;
    if (table !== undefined) return [...this.#tableOf(plain(table)).rows];
    const [, list = '', where = ''] =
      /^\(SELECT \* FROM read_parquet\(\[(.*?)\],.*?\) WHERE NOT \((.*)\)\)$/s.exec(what) ?? unknown(what);
    const isErased = predicateOf(where);
    return this.#rowsOf(files(list)).filter((row) => !isErased(row));
  }

  #rowsOf(paths: readonly string[]): readonly TableRow[] {
    return paths.flatMap((path) => {
      const rows = this.#disk.read(path) as readonly TableRow[] | undefined;
      if (rows === undefined) throw new Error(`IO Error: No files found that match the pattern "${path}"`);
      return rows;
    });
  }

  #tableOf(name: string): Table {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`Catalog Error: Table with name ${name} does not exist!`);
    return table;
  }
}

/** All, none, or the rows of erased entities, whose ids have one part. */
function predicateOf(where: string): (row: TableRow) => boolean {
  if (where === 'true' || where === 'false') return () => where === 'true';
  const [, values = ''] =
    /^EXISTS \(SELECT 1 FROM \(VALUES (.*)\) gone\(partition, piece, until\) WHERE gone\.partition = "@partition" AND gone\.piece = "@id" AND "@place" <= gone\.until\)$/s.exec(
      where,
    ) ?? unknown(where);
  const gone = [...values.matchAll(/\((\d+), '((?:[^']|'')*)', (\d+)::BIGINT\)/g)].map(
    ([, partition, id = '', until]) => ({ partition, id: id.replaceAll("''", "'"), until: Number(until) }),
  );
  return (row) =>
    gone.some(
      ({ partition, id, until }) =>
        Number(partition) === row['@partition'] && id === row['@id'] && Number(row['@place']) <= until,
    );
}

function unknown(sql: string): never {
  throw new Error(`this SQL is not part of the model: ${sql}`);
}
