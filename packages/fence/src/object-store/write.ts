/**
 * The writes that a holder may make to an object: a content, a content with its type, or nothing, which deletes it.
 *
 * Guarantees: anything else throws a MisuseError that says what to write, before anything is sent.
 */
import { display, fitting, MisuseError, optional, readOptions } from '@holdfast/kernel';
import type { Attributes } from './store.js';

/** Text is written as UTF-8. */
export type ObjectContent = string | Uint8Array;

/** The content, or undefined to delete the object; with a content type if a reader past the guard needs one. */
export type ObjectWrite =
  | ObjectContent
  | undefined
  | { readonly body: ObjectContent | undefined; readonly contentType?: string };

export function encodeWrite(write: ObjectWrite): { body: Uint8Array | undefined; attributes: Attributes } {
  if (typeof write !== 'object' || write instanceof Uint8Array) {
    return { body: encodeBody(write), attributes: {} };
  }
  if (write === null || !('body' in write)) {
    throw new MisuseError(
      `write takes a string, a Uint8Array, undefined to delete, or { body, contentType }; got ${display(write)}.`,
    );
  }
  const { body, contentType } = readOptions('write', write, WRITE);
  return { body, attributes: contentType === undefined ? {} : { 'content-type': contentType } };
}

const WRITE = {
  body: (_: string, body: unknown) => encodeBody(body),
  contentType: optional(
    fitting<string>(
      'text such as "application/json"',
      (value) => typeof value === 'string' && /^[\x20-\x7e]+$/.test(value),
    ),
  ),
};

function encodeBody(body: unknown): Uint8Array | undefined {
  if (typeof body === 'string') return Buffer.from(body);
  if (body === undefined || body instanceof Uint8Array) return body;
  throw new MisuseError(`The body is a string, a Uint8Array, or undefined to delete; got ${display(body)}.`);
}
