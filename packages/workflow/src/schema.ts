/**
 * Checking of inputs and messages by the user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 */
import { checkData, display, MisuseError, type Schema } from '@holdfast/kernel';

/** Throws MisuseError for what is none. */
export function requireSchema(option: string, schema: unknown): void {
  const standard = (schema as Partial<Schema> | null | undefined)?.['~standard'];
  if (typeof standard?.validate === 'function') return;
  throw new MisuseError(
    `${option} is a Standard Schema, as zod, valibot or arktype make it; got ${display(schema)}.`,
  );
}

/** The value, as the schema makes it. Throws MisuseError with what the schema says; `what` names the value. */
export async function check(schema: Schema | undefined, value: unknown, what: string): Promise<unknown> {
  return schema === undefined ? value : checkData(schema, value, { of: what, owner: 'workflow' });
}
