/**
 * The part of Redis' `struct` that scripts use here: little-endian numbers, without alignment.
 *
 * Guarantees: a format that is not supported throws, and so does a string that is too short, as in Redis.
 */
import { LuaError, type LuaFunction, Multi, toNumber, toText, type Value } from './values.js';

interface Item {
  readonly size: number;
  read(bytes: DataView, at: number): number;
  write(bytes: DataView, number: number): void;
}

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

const formats = new Map<string, readonly Item[]>();

function itemsOf(format: string): readonly Item[] {
  const known = formats.get(format);
  if (known !== undefined) return known;
  const [, words] = /^<((?:B|H|I4|d)*)$/.exec(format) ?? [];
  if (words === undefined) throw new LuaError(`the format "${format}" is not supported here`);
  const items = (words.match(/I4|[BHd]/g) ?? []).map((word) => ITEMS[word] as Item);
  formats.set(format, items);
  return items;
}

/** What items are read from and written to. */
const scratch = new DataView(new ArrayBuffer(8));

export const pack: LuaFunction = (format, ...values) =>
  itemsOf(toText(format))
    .map((item, index) => {
      item.write(scratch, toNumber(values[index]));
      let text = '';
      for (let place = 0; place < item.size; place += 1) text += String.fromCharCode(scratch.getUint8(place));
      return text;
    })
    .join('');

export const unpack: LuaFunction = (format, text, from) => {
  const bytes = toText(text);
  let at = from === undefined ? 0 : toNumber(from) - 1;
  const values: Value[] = itemsOf(toText(format)).map((item) => {
    if (at + item.size > bytes.length)
      throw new LuaError("bad argument #2 to 'unpack' (data string too short)");
    for (let place = 0; place < item.size; place += 1) scratch.setUint8(place, bytes.charCodeAt(at + place));
    at += item.size;
    return item.read(scratch, 0);
  });
  return new Multi([...values, at + 1]);
};
