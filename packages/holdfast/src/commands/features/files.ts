/**
 * The rows of a file: CSV, JSON lines or Parquet.
 *
 * Guarantees: a row keeps its number, from 0. One that cannot be read is told apart from the file, which goes on.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Arguments } from '../../arguments.js';
import type { Option } from '../../options.js';
import { csvLines } from './csv.js';
import { quoted, withDuckDb } from './duckdb.js';

/** A row as it lies in the file, with its number. */
export interface FileRow {
  readonly number: number;
  readonly content: unknown;
}

export interface RowsFile {
  /** By which the file is recognised: its name, its size, and when it was changed. */
  readonly name: string;
  readonly size: number;
  /** How many bytes were read so far; undefined where that is not known. */
  readonly read: () => number | undefined;
  /** Whether values are text, whatever they mean. */
  readonly isText: boolean;
  /** The rows above a number. */
  readonly rows: (after: number | undefined) => AsyncIterable<FileRow>;
  /** The values of a row by column. Throws for one that cannot be read. */
  readonly valuesOf: (row: FileRow) => Readonly<Record<string, unknown>>;
}

/** `asked` is the option that names the format. Throws UsageError for a file that is not there, or of another format. */
export async function openRows(args: Arguments, path: string, asked: Option): Promise<RowsFile> {
  const format = args.text(asked) ?? FORMATS[extname(path).toLowerCase()];
  const open = format === undefined ? undefined : OPENERS[format];
  if (open === undefined)
    throw args.wrong(`"${path}" is not csv, jsonl or parquet by its ending; give --format`);
  const found = await stat(path).catch((error: Error) => {
    throw args.wrong(`"${path}" cannot be read: ${error.message}`);
  });
  const name = `${basename(path)} ${found.size} ${Math.floor(found.mtimeMs)}`;
  return { name, size: found.size, ...open(path, args) };
}

type Opened = Omit<RowsFile, 'name' | 'size'>;

const FORMATS: Readonly<Record<string, string>> = {
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parquet': 'parquet',
};

const OPENERS: Readonly<Record<string, (path: string, args: Arguments) => Opened>> = {
  csv: openCsv,
  jsonl: openLines,
  parquet: openParquet,
};

function openCsv(path: string): Opened {
  let stream: ReturnType<typeof createReadStream> | undefined;
  let columns: readonly string[] = [];
  return {
    isText: true,
    read: () => stream?.bytesRead,
    async *rows() {
      stream = createReadStream(path, 'utf8');
      let number = -1;
      for await (const line of csvLines(stream as AsyncIterable<string>)) {
        if (number < 0) columns = line;
        else yield { number, content: line };
        number += 1;
      }
    },
    valuesOf({ content }) {
      const fields = content as readonly string[];
      if (fields.length !== columns.length)
        throw new Error(`the row has ${fields.length} fields, and the first line names ${columns.length}`);
      return Object.fromEntries(columns.map((column, place) => [column, fields[place]]));
    },
  };
}

function openLines(path: string): Opened {
  let stream: ReturnType<typeof createReadStream> | undefined;
  return {
    isText: false,
    read: () => stream?.bytesRead,
    async *rows() {
      stream = createReadStream(path, 'utf8');
      let number = 0;
      for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line.trim() !== '') yield { number, content: line };
        number += 1;
      }
    },
    valuesOf({ content }) {
      const values: unknown = JSON.parse(content as string);
      if (typeof values === 'object' && values !== null && !Array.isArray(values))
        return values as Readonly<Record<string, unknown>>;
      throw new Error('the line is no JSON object');
    },
  };
}

function openParquet(path: string, args: Arguments): Opened {
  return {
    isText: false,
    read: () => undefined,
    rows: (after) => parquetRows(path, args, after ?? -1),
    valuesOf: ({ content }) => content as Readonly<Record<string, unknown>>,
  };
}

async function* parquetRows(path: string, args: Arguments, after: number): AsyncGenerator<FileRow> {
  // A connection lives as long as its rows are read.
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const select = `SELECT * FROM read_parquet(${quoted(path)}, file_row_number = true) WHERE file_row_number > ${after}`;
  const streamed = new Promise<AsyncIterable<Record<string, unknown>[]>>((resolve, reject) => {
    withDuckDb(args, async (duckdb) => {
      resolve((await duckdb.stream(select)).yieldRowObjectJs());
      await closed;
    }).catch(reject);
  });
  try {
    for await (const chunk of await streamed) {
      for (const { file_row_number: number, ...values } of chunk) {
        const content = Object.fromEntries(
          Object.entries(values).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        );
        yield { number: Number(number), content };
      }
    }
  } finally {
    close();
  }
}
