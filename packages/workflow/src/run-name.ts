/**
 * What runs are called in Redis: "<workflow>/<place>/<name>". The place says in which partition a run lives: it is the run's
 * key, else its id. A child lives where its parent does, under a name that begins with "~".
 *
 * Guarantees: place and name are percent-encoded, so that a run's name has no space, no line end and two slashes, and is one
 * run's only.
 */
import { display, MisuseError, type Reader } from '@holdfast/kernel';

export interface RunName {
  readonly workflow: string;
  readonly id: string;
  /** Undefined if the id stands in its place. */
  readonly key: string | undefined;
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A name of a workflow or of an app. Throws MisuseError. */
export const name: Reader<string> = (option, value) => {
  if (typeof value === 'string' && NAME.test(value)) return value;
  throw new MisuseError(`${option} is 1 to 64 letters, digits, "_" and "-"; got ${display(value)}.`);
};

const LONGEST = 256;

/** An id or a key: 1 to 256 bytes of UTF-8 without control characters. Throws MisuseError. */
export function requireText(option: string, id: unknown): string {
  const isText = typeof id === 'string' && id !== '' && !/\p{Cs}|\p{Cc}/u.test(id);
  if (isText && Buffer.byteLength(id) <= LONGEST) return id;
  throw new MisuseError(
    `${option} is text of 1 to ${LONGEST} bytes in UTF-8 without control characters; got ${display(id)}.`,
  );
}

/** The id of a run that is to be started. Throws MisuseError. */
export function requireId(option: string, id: unknown): string {
  const text = requireText(option, id);
  if (!text.startsWith('~')) return text;
  throw new MisuseError(`${option} does not begin with "~", as the ids of children do; got ${display(id)}.`);
}

export function runName({ workflow, id, key = id }: RunName): string {
  return `${workflow}/${encodeURIComponent(key)}/${encodeURIComponent(id)}`;
}

export function parseRunName(run: string): RunName {
  const [workflow = '', place = '', name = ''] = run.split('/');
  return {
    workflow,
    id: decodeURIComponent(name),
    key: place === name ? undefined : decodeURIComponent(place),
  };
}

/** By which the partition of a run is found. */
export const placeOf = (run: string): string => decodeURIComponent(run.split('/')[1] ?? '');
