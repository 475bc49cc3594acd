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
  const checked = await schema['~standard'].validate(data);
  if (!checked.issues) return checked.value;
  const issues = checked.issues.map(({ message, path }) => {
    const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return place ? `${place}: ${message}` : message;
  });
  throw new MisuseError(`The data of ${of} do not fit the queue's schema: ${issues.join('; ')}.`);
}

/** Data as they are kept. Throws MisuseError if they are not JSON or too large. */
export function encode(data: unknown, most: number, of: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw new MisuseError(`${of} is not JSON: ${messageOf(cause)}.`, { cause });
  }
  if (text === undefined) throw new MisuseError(`${of} is JSON; got ${display(data)}.`);
  // A character has at most three bytes in UTF-8 for each of its two in a string.
  const size = text.length * 3 <= most ? text.length : Buffer.byteLength(text);
  if (size > most) {
    throw new MisuseError(
      `${of} has ${size} bytes, and ${most} are the most: keep large things elsewhere and enqueue their address.`,
    );
  }
  return text;
}
