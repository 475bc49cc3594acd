/**
 * Checking of data by a user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 *
 * Guarantees: what does not fit, or cannot be judged, is a MisuseError with what the schema says; `validateData` tells the two apart.
 */
import { MisuseError } from './errors.js';
import { messageOf } from './thrown.js';

/** Version 1 of https://standardschema.dev: what it makes `Output` of, it is given as `Input`. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type Checked<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What has the data, and the schema. */
interface Owned {
  readonly of: string;
  readonly owner: string;
}

/**
 * The data, as the schema makes them, or what is wrong with them. Throws where the schema cannot tell: what it throws, or
 * that it answers with neither a value nor issues.
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

/** The data, as the schema makes them. Throws MisuseError, also where the schema cannot tell. */
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
