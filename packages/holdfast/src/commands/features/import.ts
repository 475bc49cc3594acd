/**
 * `holdfast features import`: lands the rows of a file.
 *
 * Guarantees: a file that is imported again goes on where it was, because each call stores how far it has come; rows that are
 * there are landed once. A row that cannot be read or stored is left out, kept as a dead letter and reported, and the others
 * land.
 */
import { createHash } from 'node:crypto';
import type { LaneStats, RowView, Source, View } from '@holdfast/features';
import { messageOf } from '@holdfast/kernel';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT } from '../../options.js';
import { visible } from '../../table.js';
import type { Held } from '../under-lease.js';
import { type FileRow, openRows, type RowsFile } from './files.js';
import {
  answer,
  type Call,
  HOLDING,
  OF_ACTS,
  onStore,
  PLACE,
  underLease,
  VIEW_OPERAND,
  viewOf,
} from './opened.js';
import { FINISH, FORMAT, GENERATION, ID_COLUMN, IMPORT_LANE, RANK, TIME_COLUMN } from './options.js';

/** How many rows that were left out are told one by one. */
const TOLD = 10;
/** How often the progress is told, in ms. */
const TELL_EVERY = 2_000;

export const importRows: Command = {
  ...OF_ACTS,
  name: 'import',
  summary: 'Land the rows of a file.',
  operands: [VIEW_OPERAND, { name: 'file', about: 'the file' }],
  about: `CSV, JSON lines or Parquet: a column for each feature, one for the id, and one
for the event time. Newer rows that are there stay. If it is broken off, give
the same command again: it goes on where it was, as long as the file is the
same. A row that cannot be stored is left out and kept as a dead letter. A
lane keeps a few bytes for each file.`,
  options: [
    ...PLACE,
    ...[FORMAT, ID_COLUMN, TIME_COLUMN, IMPORT_LANE, RANK, GENERATION, FINISH],
    ...[...HOLDING, JSON_OUTPUT],
  ],
  example: 'holdfast features import profile rows.csv --id user --time at --store shop',
  run: onStore(async (call) => {
    const view = viewOf(call);
    if (view.kind !== 'rows')
      throw call.args.wrong(
        `the view "${view.name}" has ${view.kind}, and rows are imported only into a view of rows`,
      );
    const file = await openRows(call.args, call.args.operands[1] ?? '', FORMAT);
    return underLease(call, view, (held) => land(call, view as RowView, { file, ...held }));
  }),
};

async function land(
  call: Call,
  view: RowView,
  { file, holder, signal }: Held & { readonly file: RowsFile },
): Promise<number> {
  const { args, store, context } = call;
  const rank = args.count(RANK, 1, 255);
  const id = args.text(GENERATION);
  const generation = id === undefined ? undefined : await store.generation(view, id, { holder });
  await using lane = await store.open(view, {
    holder,
    lane: args.text(IMPORT_LANE) ?? 'backfill',
    ...given({ rank, generation }),
  });
  let leftOut = 0;
  const read = readerOf(call, view, file);
  const { iterable } = await import('@holdfast/features');
  const rows = iterable<FileRow>({
    name: file.name,
    read: ({ after }) => file.rows(after),
    offsetOf: ({ number }) => number,
  });
  const follower = lane.follow(alone(rows, file.name), (row) => read(row as FileRow) as never, {
    onUnreadable: (error, { value }) => {
      leftOut += 1;
      if (leftOut > TOLD) return;
      const more = leftOut === TOLD ? ' (More are not told one by one.)' : '';
      const number = (value as FileRow).number + 1;
      context.stderr.write(`holdfast: row ${number} was left out: ${visible(messageOf(error))}${more}\n`);
    },
  });
  const stop = (): void => void follower.stop().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  const told = tell(call, file, () => lane.stats());
  try {
    await follower.done();
  } finally {
    told.end();
    signal.removeEventListener('abort', stop);
  }
  const { accepted, older, equal, refused } = lane.stats();
  const isWhole = !signal.aborted;
  if (isWhole && args.has(FINISH)) await lane.finish();
  const words = `${accepted} rows landed, ${older + equal} were there or older, ${refused} were left out.`;
  const rest = isWhole ? '' : ' Broken off: the same command goes on from here.';
  answer(call, { accepted, older, equal, refused, whole: isWhole }, words + rest);
  return isWhole && refused === 0 ? EXIT.ok : EXIT.undone;
}

/** A source of its own among those of the lane: which one, the name of the file says. */
function alone(rows: Source, name: string): Source {
  const number = createHash('sha256').update(name).digest().readUInt16LE(0);
  return { ...rows, partitions: [number] };
}

/** What is told of the progress, until `end`. */
function tell({ args, context }: Call, { size, read }: RowsFile, stats: () => LaneStats): { end(): void } {
  if (args.has(JSON_OUTPUT)) return { end: () => {} };
  const began = context.clock.now();
  let timer = context.clock.after(TELL_EVERY, tellOnce);
  function tellOnce(): void {
    const { accepted, older, equal, refused } = stats();
    const rows = accepted + older + equal + refused;
    const bytes = read();
    const share = bytes === undefined || size === 0 ? '' : `, ${Math.floor((100 * bytes) / size)} % read`;
    const speed = Math.round((1_000 * rows) / Math.max(1, context.clock.now() - began));
    context.stderr.write(`${rows} rows, ${speed} a second${share}\n`);
    timer = context.clock.after(TELL_EVERY, tellOnce);
  }
  return { end: () => timer.cancel() };
}

/** Makes a row of the view of one of the file. */
function readerOf({ args }: Call, view: View, file: RowsFile): (row: FileRow) => object {
  const { parts } = view.entity;
  const idColumn = args.text(ID_COLUMN);
  if (idColumn !== undefined && parts.length !== 1)
    throw args.wrong(
      `--id is for an entity with one id; "${view.entity.name}" has a column for each of ${parts.join(', ') || 'none'}`,
    );
  const timeColumn = args.text(TIME_COLUMN) ?? 'time';
  const fields = Object.entries(view.fields);
  const need = (values: Readonly<Record<string, unknown>>, column: string): unknown => {
    if (!Object.hasOwn(values, column)) throw new Error(`there is no column "${column}"`);
    return values[column];
  };
  return (row) => {
    const values = file.valuesOf(row);
    const [part] = parts;
    const ids =
      parts.length === 1
        ? textOf(need(values, idColumn ?? part ?? ''))
        : Object.fromEntries(parts.map((each) => [each, textOf(need(values, each))]));
    const own = fields.flatMap(([name, { kind, isOptional }]) => {
      const value = isOptional && !Object.hasOwn(values, name) ? null : need(values, name);
      return [[name, meaningOf(kind, value, file.isText)]];
    });
    const time = meaningOf('timestamp', need(values, timeColumn), file.isText);
    return { id: parts.length === 0 ? undefined : ids, time, values: Object.fromEntries(own) };
  };
}

const textOf = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

/** What a value of a file means as a feature of a type; what it does not mean, is refused when the row is made. */
function meaningOf(kind: string, value: unknown, isText: boolean): unknown {
  if (value === undefined || value === null || (isText && value === '' && kind !== 'string')) return null;
  if (kind === 'timestamp') return instantOf(value);
  if (!isText) return value;
  const text = value as string;
  if (kind === 'string') return text;
  if (kind === 'bool')
    return ({ true: true, false: false, 1: true, 0: false } as Record<string, boolean>)[text] ?? text;
  if (kind === 'vector' || kind === 'list') return JSON.parse(text);
  return /^\s*[-+]?(\d|\.\d)/.test(text) ? Number(text) : text;
}

function instantOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^-?\d+$/.test(value)) return Number(value);
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}
