/**
 * Checking of data by the user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from './thrown.js';

export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** The data, as the schema makes them. Throws MisuseError with what it says. */
export async function check<Output>(
  schema: Schema<unknown, Output> | undefined,
  data: unknown,
  of: string,
): Promise<Output> {
  if (schema === undefined) return data as Output;
  let issues: readonly string[];
  try {
    const checked = await schema['~standard'].validate(data);
    if (!checked.issues) {
      if ('value' in checked) return checked.value;
      throw new MisuseError('it answers with neither a value nor issues');
    }
    issues = checked.issues.map(textOf);
  } catch (cause) {
    throw new MisuseError(
      `The queue's schema cannot tell whether the data of ${of} fit it: ${messageOf(cause)}.`,
      {
        cause,
      },
    );
  }
  throw new MisuseError(`The data of ${of} do not fit the queue's schema: ${issues.join('; ')}.`);
}

function textOf({ message, path }: StandardSchemaV1.Issue): string {
  const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return place ? `${place}: ${message}` : message;
}

/** Data as they are kept. Throws MisuseError if they are not JSON or too large. */
export function encode(data: unknown, most: number, of: string): string {
  let text: string | undefined;
  let altered: string | undefined;
  try {
    text = JSON.stringify(data);
    altered = alteredIn(data, '');
  } catch (cause) {
    throw new MisuseError(`${of} is not JSON: ${messageOf(cause)}.`, { cause });
  }
  if (text === undefined) throw new MisuseError(`${of} is JSON; got ${display(data)}.`);
  if (altered !== undefined) throw new MisuseError(`${of} is JSON, which has no ${altered}.`);
  // A character has at most three bytes in UTF-8 for each of its two in a string.
  const size = text.length * 3 <= most ? text.length : Buffer.byteLength(text);
  if (size > most) {
    throw new MisuseError(
      `${of} has ${size} bytes, and ${most} are the most: keep large things elsewhere and enqueue their address.`,
    );
  }
  return text;
}

/** What JSON would silently alter, and where: "Map: it is at .items[2]"; undefined if nothing. */
function alteredIn(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${value}${placeAt(path)}`;
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value + placeAt(path);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return undefined;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index];
      const at = `${path}[${index}]`;
      const altered = item === undefined ? `undefined${placeAt(at)}` : alteredIn(item, at);
      if (altered !== undefined) return altered;
    }
    return undefined;
  }
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (!REPRESENTED.includes(kind)) return kind + placeAt(path);
  // A property that is undefined is left out, and reads as before.
  for (const [key, item] of Object.entries(value)) {
    const altered = alteredIn(item, `${path}.${key.slice(0, 60)}`);
    if (altered !== undefined) return altered;
  }
  return undefined;
}

/** Kinds of objects that JSON has, or that it takes for plain values. */
const REPRESENTED: readonly string[] = ['Object', 'Number', 'String', 'Boolean'];

const placeAt = (path: string): string => (path === '' ? '' : `: it is at ${path}`);
