/**
 * Checking of data by a user's schema: any library that speaks Standard Schema (zod, valibot, arktype, …).
 *
 * Guarantees: what does not fit, or cannot be judged, is a MisuseError with what the schema says.
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

/** The data, as the schema makes them. `of` and `owner` are what has the data, and the schema. Throws MisuseError. */
export async function checkData<Output>(
  schema: Schema<unknown, Output>,
  data: unknown,
  { of, owner }: { readonly of: string; readonly owner: string },
): Promise<Output> {
  let issues: readonly string[];
  try {
    const checked = await schema['~standard'].validate(data);
    if (!checked.issues) {
      if ('value' in checked) return checked.value;
      throw new MisuseError('it answers with neither a value nor issues');
    }
    issues = checked.issues.map(textOf);
  } catch (cause) {
    const why = messageOf(cause);
    throw new MisuseError(`The ${owner}'s schema cannot tell whether the data of ${of} fit it: ${why}.`, {
      cause,
    });
  }
  throw new MisuseError(`The data of ${of} do not fit the ${owner}'s schema: ${issues.join('; ')}.`);
}

function textOf({ message, path }: Issue): string {
  const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return place ? `${place}: ${message}` : message;
}
