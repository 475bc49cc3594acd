/**
 * Functions that read rows, generated from a layout with its places and names as constants. They take about two thirds of
 * the time of a loop over the fields, which looks up every name anew. A generated function that writes rows was no faster.
 * Likewise functions that make the objects into which rows are read: with all names from the start, in one step.
 *
 * Guarantees: names stand in the code as JSON text only, and all else are numbers. Where the program does not allow code
 * to be generated, as under `--disallow-code-generation-from-strings`, there is none, and the loop does the same.
 */
import type { Slot } from './layout.js';

/** A field that is read, and the name under which its value is given; undefined if it is passed over. */
export interface Reading extends Slot {
  readonly as: string | undefined;
  readonly isVariable: boolean;
}

/** Where a text or a list lies. */
export interface Span {
  readonly from: number;
  readonly end: number;
}

/** Writes the values of a row, which lies in `view` from `begin`, into `values`. */
export type ReadValues = (row: Uint8Array, view: DataView, values: Record<string, unknown>) => void;

/** Reads a value that is not null. */
export type ReadValue = (slot: Reading, row: Uint8Array, view: DataView, span: Span) => unknown;

/** What a row lacks is null. */
export function generateReader(
  readings: readonly Reading[],
  missing: readonly string[],
  tail: number,
  decode: ReadValue,
): ReadValues | undefined {
  const lines = readings.flatMap((reading, index) => readLines(reading, index, tail));
  const nulls = missing.map((name) => `values[${JSON.stringify(name)}] = null;`);
  const body = [
    'return (row, view, values) => {',
    `const begin = row.byteOffset; let from = ${tail}, end = 0;`,
    ...lines,
    ...nulls,
    '};',
  ].join('\n');
  return made(body, { readings, decode }) as ReadValues | undefined;
}

/** Makes objects in which each of these names has null. */
export function generateBlank(names: readonly string[]): () => Record<string, unknown> {
  const body = `return () => ({ ${names.map((name) => `${JSON.stringify(name)}: null`).join(', ')} });`;
  const blank = Object.fromEntries(names.map((name) => [name, null]));
  return (made(body, {}) as (() => Record<string, unknown>) | undefined) ?? (() => ({ ...blank }));
}

function readLines(
  { as, kind, nullAt, nullBit, at, isVariable }: Reading,
  index: number,
  tail: number,
): string[] {
  const lines = isVariable ? [`end = ${tail} + view.getUint32(begin + ${at}, true);`] : [];
  const value = {
    int: `view.getFloat64(begin + ${at}, true)`,
    float64: `view.getFloat64(begin + ${at}, true)`,
    float32: `view.getFloat32(begin + ${at}, true)`,
  }[kind as string];
  const read = value ?? `decode(readings[${index}], row, view, { from, end })`;
  if (as !== undefined) {
    lines.push(`values[${JSON.stringify(as)}] = (row[${nullAt}] & ${nullBit}) !== 0 ? null : ${read};`);
  }
  return isVariable ? [...lines, 'from = end;'] : lines;
}

/** The function that the code returns; undefined where none may be generated. */
function made(body: string, constants: Readonly<Record<string, unknown>>): unknown {
  try {
    return new Function(...Object.keys(constants), body)(...Object.values(constants));
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
