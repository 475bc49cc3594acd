/**
 * Checking data against a user's schema, of any library that implements Standard Schema (zod, valibot, arktype, …).
 *
 * Guarantees: data that do not fit, or that the schema cannot judge, are a MisuseError with the schema's own words;
 * `validateData` tells the two cases apart.
 */
import { MisuseError } from './errors.js';
import { fitting, type Reader } from './option-readers.js';
import { messageOf } from './thrown.js';

/** Version 1 of https://standardschema.dev: it is given an `Input`, and makes an `Output` of it. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** An option that is a schema. Throws MisuseError. */
export const readSchema: Reader<Schema> = fitting(
  'a schema of a library that speaks Standard Schema, such as zod',
  (value) => typeof Object(Object(value)['~standard']).validate === 'function',
);

type Checked<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The owners of the data and of the schema, for messages. */
interface Owned {
  readonly of: string;
  readonly owner: string;
}

/**
 * The data, as the schema returns them, or what is wrong with them. Throws if the schema cannot tell: either the error
 * that it throws, or one that says that it returned neither a value nor issues.
 */
export async function validateData<Output>(
  schema: Schema<unknown, Output>,
  data: unknown,
  { of, owner }: Owned,
): Promise<{ readonly value: Output } | { readonly wrong: string }> {
  const checked = await schema['~standard'].validate(data);
  if (!checked.issues) {
    if ('value' in checked) return { value: checked.value };
    throw new MisuseError('it answers with neither a value nor issues');
  }
  const issues = checked.issues.map(textOf).join('; ');
  return { wrong: `The data of ${of} do not fit the ${owner}'s schema: ${issues}.` };
}

/** The data, as the schema returns them. Throws MisuseError, also if the schema cannot tell. */
export async function checkData<Output>(
  schema: Schema<unknown, Output>,
  data: unknown,
  owned: Owned,
): Promise<Output> {
  const checked = await validateData(schema, data, owned).catch((cause: unknown) => {
    const why = messageOf(cause);
    throw new MisuseError(
      `The ${owned.owner}'s schema cannot tell whether the data of ${owned.of} fit it: ${why}.`,
      { cause },
    );
  });
  if ('wrong' in checked) throw new MisuseError(checked.wrong);
  return checked.value;
}

function textOf({ message, path }: Issue): string {
  const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return place ? `${place}: ${message}` : message;
}
