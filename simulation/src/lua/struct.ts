/**
 * The part of Redis' `struct` that scripts use here: little-endian numbers and texts of a fixed length, without alignment.
 *
 * Guarantees: a format that is not supported throws, and so does a string that is too short, as in Redis.
 */
import { LuaError, type LuaFunction, Multi, toNumber, toText, type Value } from './values.js';

interface Item {
  readonly size: number;
  read(bytes: DataView, at: number): number;
  write(bytes: DataView, number: number): void;
}

/** A text of so many characters. */
type Part = Item | { readonly size: number; readonly isText: true };

const ITEMS: Readonly<Record<string, Item>> = {
  B: {
    size: 1,
    read: (bytes, at) => bytes.getUint8(at),
    write: (bytes, number) => bytes.setUint8(0, number),
  },
  H: {
    size: 2,
    read: (bytes, at) => bytes.getUint16(at, true),
    write: (bytes, number) => bytes.setUint16(0, number, true),
  },
  I4: {
    size: 4,
    read: (bytes, at) => bytes.getUint32(at, true),
    write: (bytes, number) => bytes.setUint32(0, number, true),
  },
  d: {
    size: 8,
    read: (bytes, at) => bytes.getFloat64(at, true),
    write: (bytes, number) => bytes.setFloat64(0, number, true),
  },
};

const formats = new Map<string, readonly Part[]>();

function partsOf(format: string): readonly Part[] {
  const known = formats.get(format);
  if (known !== undefined) return known;
  const [, words] = /^<((?:B|H|I4|d|c[1-9]\d*)*)$/.exec(format) ?? [];
  if (words === undefined) throw new LuaError(`the format "${format}" is not supported here`);
  const parts = (words.match(/I4|[BHd]|c\d+/g) ?? []).map(
    (word): Part =>
      word.startsWith('c') ? { size: Number(word.slice(1)), isText: true } : (ITEMS[word] as Item),
  );
  formats.set(format, parts);
  return parts;
}

/** What items are read from and written to. */
const scratch = new DataView(new ArrayBuffer(8));

export const pack: LuaFunction = (format, ...values) =>
  partsOf(toText(format))
    .map((part, index) =>
      'isText' in part ? packText(part.size, values[index]) : packNumber(part, values[index]),
    )
    .join('');

function packText(size: number, value: Value): string {
  const text = toText(value);
  if (text.length < size) throw new LuaError("bad argument to 'pack' (string too short)");
  return text.slice(0, size);
}

function packNumber(item: Item, value: Value): string {
  item.write(scratch, toNumber(value));
  let text = '';
  for (let place = 0; place < item.size; place += 1) text += String.fromCharCode(scratch.getUint8(place));
  return text;
}

export const unpack: LuaFunction = (format, text, from) => {
  const bytes = toText(text);
  let at = from === undefined ? 0 : toNumber(from) - 1;
  const values: Value[] = partsOf(toText(format)).map((part) => {
    const begin = at;
    at += part.size;
    if (at > bytes.length) throw new LuaError("bad argument #2 to 'unpack' (data string too short)");
    if ('isText' in part) return bytes.slice(begin, at);
    for (let place = 0; place < part.size; place += 1)
      scratch.setUint8(place, bytes.charCodeAt(begin + place));
    return part.read(scratch, 0);
  });
  return new Multi([...values, at + 1]);
};
