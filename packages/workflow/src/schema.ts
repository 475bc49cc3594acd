/**
 * Checking of inputs and messages by the user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 */
import { checkData, type Schema } from '@holdfast/kernel';

/** The value, as the schema makes it. Throws MisuseError with what the schema says; `what` names the value. */
export async function check(schema: Schema | undefined, value: unknown, what: string): Promise<unknown> {
  return schema === undefined ? value : checkData(schema, value, { of: what, owner: 'workflow' });
}
