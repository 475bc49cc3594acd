/**
 * `holdfast vectors import`: puts the rows of a file.
 *
 * Guarantees: a file that is imported again goes on where it was broken off, because how far it has come is noted beside the
 * documents, once they are written; what is written twice is the same. A row that cannot be read or stored is left out and reported,
 * and the others are put.
 */
import { MisuseError, messageOf } from '@holdfast/kernel';
import type { TermWeights, Written } from '@holdfast/vectors';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { Interruption } from '../../interruption.js';
import { JSON_OUTPUT } from '../../options.js';
import { visible } from '../../table.js';
import { type FileRow, openRows, type RowsFile } from '../features/files.js';
import { answer, type Call, INDEX_OPERAND, OF_EVERY_ACTION, onIndex, PLACE } from './opened.js';
import {
  AGAIN,
  FIELDS,
  FORMAT,
  ID_COLUMN,
  IMPORT_TTL,
  SCHEMA,
  TERMS_COLUMN,
  TEXT_COLUMN,
  TIME_COLUMN,
  VECTOR_COLUMN,
} from './options.js';

/** Rows that are put at a time. */
const AT_ONCE = 256;
/** How many rows that were left out are told one by one. */
const TOLD = 10;
/** How often the progress is told, in ms. */
const TELL_EVERY = 2_000;

export const importDocuments: Command = {
  ...OF_EVERY_ACTION,
  name: 'import',
  summary: 'Put the rows of a file.',
  operands: [INDEX_OPERAND, { name: 'file', about: 'the file' }],
  about: `CSV, JSON lines or Parquet: a column with the id, one with the vector, and
others, which become attributes; or, as "export" writes them, a column
"attributes". Later documents that are there stay. If it is broken off, give
the same command again: it goes on where it was, as long as the file is the
same. The index must exist.`,
  options: [
    ...PLACE,
    ...[
      FORMAT,
      ID_COLUMN,
      VECTOR_COLUMN,
      TEXT_COLUMN,
      TERMS_COLUMN,
      TIME_COLUMN,
      IMPORT_TTL,
      SCHEMA,
      FIELDS,
      AGAIN,
    ],
    JSON_OUTPUT,
  ],
  exitCodes: [['1', 'not all of it was put: the output says what is lacking'], ...OF_EVERY_ACTION.exitCodes],
  example: 'holdfast vectors import kb rows.parquet --vectors embedding --time at',
  run: onIndex(
    async (call) => {
      const { args, context, index } = call;
      const file = await openRows(args, args.operands[1] ?? '', FORMAT);
      const interruption = new Interruption(context.signals);
      const from = args.has(AGAIN) ? 0 : await index.progress(file.name);
      const report = new Report(call, file);
      try {
        await putAll(call, file, { from, report, isOver: () => interruption.signal.aborted });
      } finally {
        report.end();
        interruption.end();
      }
      return report.tell(!interruption.signal.aborted, from);
    },
    (args) => ({ texts: args.text(TEXT_COLUMN) !== undefined }),
  ),
};

async function putAll(
  call: Call,
  file: RowsFile,
  {
    from,
    report,
    isOver,
  }: { readonly from: number; readonly report: Report; readonly isOver: () => boolean },
): Promise<void> {
  const put = putterOf(call, file);
  let rows: FileRow[] = [];
  const flush = async (): Promise<void> => {
    const last = rows.at(-1);
    const some = rows;
    rows = [];
    if (last === undefined) return;
    let kept = 0;
    await Promise.all(
      some.map(async (row) => {
        try {
          report.note(await put(row));
          kept += 1;
        } catch (error) {
          if (!(error instanceof MisuseError) && !(error instanceof RowError)) throw error;
          report.leave(row, error);
        }
      }),
    );
    // Where nothing could be stored, it is tried again: the reason may be another than the rows.
    if (kept > 0) await call.index.noteProgress(file.name, last.number + 1);
  };
  for await (const row of file.rows(from - 1)) {
    if (row.number < from) continue;
    if (isOver()) break;
    rows.push(row);
    if (rows.length === AT_ONCE) await flush();
  }
  await flush();
}

/** A row that cannot be read. */
class RowError extends Error {}

/** Puts a row. Throws RowError for one that cannot be read, and MisuseError for one that cannot be stored. */
function putterOf({ args, index }: Call, file: RowsFile): (row: FileRow) => Promise<Written> {
  const columns = {
    id: args.text(ID_COLUMN) ?? 'id',
    vector: args.text(VECTOR_COLUMN) ?? 'vector',
    text: args.text(TEXT_COLUMN),
    terms: args.text(TERMS_COLUMN),
    time: args.text(TIME_COLUMN),
  };
  const kinds = Object.fromEntries(
    (args.text(SCHEMA) ?? '').split(',').map((part) => part.trim().split('=') as [string, string]),
  );
  const ttl = args.duration(IMPORT_TTL);
  return async (row) => {
    const { [columns.id]: id, [columns.vector]: vector, ...others } = valuesOf(file, row);
    const text = columns.text === undefined ? undefined : take(others, columns.text);
    const terms = columns.terms === undefined ? undefined : objectIn(take(others, columns.terms));
    const time = columns.time === undefined ? undefined : instantOf(take(others, columns.time));
    const { attributes = own(others, kinds, file.isText) } = others as { attributes?: object };
    if (id === undefined) throw new RowError(`there is no column "${columns.id}"`);
    const read = file.isText && typeof attributes === 'string' ? parsed(attributes) : attributes;
    return index.put(
      {
        id: typeof id === 'number' ? String(id) : (id as string),
        attributes: read as Readonly<Record<string, unknown>>,
        ...given({
          vectors: vectorsIn(vector),
          text: text as string | undefined,
          terms: terms as TermWeights | undefined,
        }),
      },
      given({ time, ttl }) as { readonly time?: number },
    );
  };
}

function valuesOf(file: RowsFile, row: FileRow): Record<string, unknown> {
  try {
    return { ...file.valuesOf(row) };
  } catch (error) {
    throw new RowError(messageOf(error), { cause: error });
  }
}

function take(values: Record<string, unknown>, column: string): unknown {
  const value = values[column];
  delete values[column];
  return value === '' || value === null ? undefined : value;
}

/** Values as attributes; those of CSV are text, whatever they mean. Throws RowError for a position that is none. */
function own(
  values: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, string>>,
  isText: boolean,
): Readonly<Record<string, unknown>> {
  const some = Object.entries(values).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  return Object.fromEntries(
    some.map(([name, value]) => {
      if (kinds[name] === 'geo' && typeof value === 'string') return [name, positionIn(value)];
      return [name, isText && kinds[name] === 'number' ? Number(value) : value];
    }),
  );
}

/** A position as text: a latitude and a longitude, or JSON. */
function positionIn(text: string): unknown {
  if (text.trimStart().startsWith('{')) return parsed(text);
  const [lat, lon, ...more] = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (lat === undefined || lon === undefined || more.length > 0 || Number.isNaN(lat + lon))
    throw new RowError(`${JSON.stringify(text.slice(0, 40))} is no latitude and longitude, as "52.5,13.4"`);
  return { lat, lon };
}

/** A vector, a list of some, or those of each name; in CSV as JSON. */
function vectorsIn(value: unknown): readonly (readonly number[])[] | undefined {
  const read = typeof value === 'string' && value !== '' ? parsed(value) : value;
  if (read === undefined || read === null || read === '') return undefined;
  const isOne = Array.isArray(read) && typeof read[0] === 'number';
  return (isOne ? [read] : read) as readonly (readonly number[])[];
}

/** In CSV as JSON. */
const objectIn = (value: unknown): unknown => (typeof value === 'string' ? parsed(value) : value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowError(`${JSON.stringify(text.slice(0, 40))} is not JSON`);
  }
}

function instantOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^\d+$/.test(value)) return Number(value);
  const at = new Date(value).getTime();
  if (Number.isNaN(at)) throw new RowError(`${JSON.stringify(value)} is not a time`);
  return at;
}

/** What is told of an import, while it goes on and at its end. */
class Report {
  readonly #call: Call;
  readonly #file: RowsFile;
  readonly #began: number;
  #timer: { cancel(): void } | undefined;
  #written = 0;
  #older = 0;
  #leftOut = 0;

  constructor(call: Call, file: RowsFile) {
    this.#call = call;
    this.#file = file;
    this.#began = call.context.clock.now();
    if (!call.args.has(JSON_OUTPUT)) this.#again();
  }

  note({ outcome }: Written): void {
    if (outcome === 'written') this.#written += 1;
    else this.#older += 1;
  }

  leave({ number }: FileRow, error: unknown): void {
    this.#leftOut += 1;
    if (this.#leftOut > TOLD) return;
    const more = this.#leftOut === TOLD ? ' (More are not told one by one.)' : '';
    this.#call.context.stderr.write(
      `holdfast: row ${number + 1} was left out: ${visible(messageOf(error))}${more}\n`,
    );
  }

  end(): void {
    this.#timer?.cancel();
  }

  tell(isWhole: boolean, from: number): number {
    const [written, older, refused] = [this.#written, this.#older, this.#leftOut];
    const begun = from === 0 ? '' : ` ${from} rows had been imported before.`;
    const rest = isWhole ? '' : ' Broken off: the same command goes on from here.';
    const words = `${written} documents are written, ${older} were later, ${refused} were left out.${begun}${rest}`;
    answer(this.#call, { written, older, refused, before: from, whole: isWhole }, words);
    return isWhole && refused === 0 ? EXIT.ok : EXIT.undone;
  }

  #again(): void {
    this.#timer = this.#call.context.clock.after(TELL_EVERY, () => {
      const rows = this.#written + this.#older + this.#leftOut;
      const { size } = this.#file;
      const bytes = this.#file.read();
      const share = bytes === undefined || size === 0 ? '' : `, ${Math.floor((100 * bytes) / size)} % read`;
      const speed = Math.round((1_000 * rows) / Math.max(1, this.#call.context.clock.now() - this.#began));
      this.#call.context.stderr.write(`${rows} rows, ${speed} a second${share}\n`);
      this.#again();
    });
  }
}
