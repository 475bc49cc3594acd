/**
 * Checking of inputs and messages by the user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from './json.js';

export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** Throws MisuseError for what is none. */
export function requireSchema(option: string, schema: unknown): void {
  const standard = (schema as Partial<Schema> | null | undefined)?.['~standard'];
  if (typeof standard?.validate === 'function') return;
  throw new MisuseError(
    `${option} is a Standard Schema, as zod, valibot or arktype make it; got ${display(schema)}.`,
  );
}

/** The value, as the schema makes it. Throws MisuseError with what the schema says. */
export async function check(schema: Schema | undefined, value: unknown, what: string): Promise<unknown> {
  if (schema === undefined) return value;
  let issues: readonly StandardSchemaV1.Issue[] | undefined;
  let checked: unknown;
  try {
    const result = await schema['~standard'].validate(value);
    issues = result.issues;
    if (!issues) checked = (result as StandardSchemaV1.SuccessResult<unknown>).value;
  } catch (cause) {
    throw new MisuseError(`The schema cannot tell whether ${what} fits it: ${messageOf(cause)}.`, { cause });
  }
  if (!issues) return checked;
  throw new MisuseError(`${what} does not fit its schema: ${issues.map(textOf).join('; ')}.`);
}

function textOf({ message, path }: StandardSchemaV1.Issue): string {
  const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return place ? `${place}: ${message}` : message;
}
