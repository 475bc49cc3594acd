/**
 * Data as JSON text, as packages keep them in Redis.
 *
 * Guarantees: data that JSON would lose or alter are refused with a MisuseError that says where they are, and so are
 * data that are too large.
 */
import { MisuseError } from './errors.js';
import { display } from './options.js';
import { messageOf } from './thrown.js';

interface Encoding {
  /** The data, as a message begins: "The data of a task". */
  readonly of: string;
  /** The most bytes of the text. */
  readonly most: number;
  /** Advice for data that are too large, as the end of a sentence. */
  readonly advice: string;
  /** Whether undefined in an array is kept, as null. Default: it is refused. */
  readonly undefinedIsNull?: boolean;
}

/** Encodes data as they are kept. Throws MisuseError if they are not JSON, or too large. */
export function encodeJson(data: unknown, { of, most, advice, undefinedIsNull = false }: Encoding): string {
  let text: string | undefined;
  let altered: string | undefined;
  try {
    text = JSON.stringify(data);
    altered = alteredIn(data, '', undefinedIsNull);
  } catch (cause) {
    throw new MisuseError(`${of} is not JSON: ${messageOf(cause)}.`, { cause });
  }
  if (text === undefined) throw new MisuseError(`${of} is JSON; got ${display(data)}.`);
  if (altered !== undefined) throw new MisuseError(`${of} is JSON, which has no ${altered}.`);
  // A character has at most three bytes in UTF-8 for each of its two in a string.
  const size = text.length * 3 <= most ? text.length : Buffer.byteLength(text);
  if (size > most) {
    throw new MisuseError(`${of} has ${size} bytes, and ${most} are the most: ${advice}.`);
  }
  return text;
}

/**
 * Describes a value that JSON would silently alter, and where: "Map: it is at .items[2]"; undefined if there is none.
 */
function alteredIn(value: unknown, path: string, undefinedIsNull: boolean): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${value}${placeAt(path)}`;
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value + placeAt(path);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return undefined;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index];
      const at = `${path}[${index}]`;
      if (item === undefined && !undefinedIsNull) return `undefined${placeAt(at)}`;
      const altered = alteredIn(item, at, undefinedIsNull);
      if (altered !== undefined) return altered;
    }
    return undefined;
  }
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (!REPRESENTED.includes(kind)) return kind + placeAt(path);
  // A property that is undefined is left out, and reads as before.
  for (const [key, item] of Object.entries(value)) {
    const altered = alteredIn(item, `${path}.${key.slice(0, 60)}`, undefinedIsNull);
    if (altered !== undefined) return altered;
  }
  return undefined;
}

/** The kinds of objects that JSON has, or takes for plain values. */
const REPRESENTED: readonly string[] = ['Object', 'Number', 'String', 'Boolean'];

const placeAt = (path: string): string => (path === '' ? '' : `: it is at ${path}`);
