/**
 * Checks the values of a request against the schemas of its operation.
 *
 * Guarantees: a value that does not fit is a RequestError that names each field that is wrong, at most twenty, and shows
 * nothing of the value.
 */
import type { z } from 'zod';
import { RequestError, type WrongField } from '../errors.js';

const MOST = 20;

/** `where`: "path", "query" or "body". */
export function check<Schema extends z.ZodType>(
  where: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) => fieldsOf(where, issue)).slice(0, MOST);
  const [first] = fields;
  throw new RequestError(`${first?.field} ${first?.message}.`, { fields });
}

function fieldsOf(where: string, issue: z.core.$ZodIssue): WrongField[] {
  const field = [where, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: `${field}.${key}`, message: 'is not known' }));
  }
  const message = issue.message.replace(
    /^(Invalid|Too|Unrecognized)/,
    (word) => `is not accepted: ${word.toLowerCase()}`,
  );
  return [{ field, message }];
}
