/**
 * What was read from Redis and is encoded: values stand as they are until somebody opens them, and texts of errors begin with
 * a mark. Pure.
 */
import { sealedIn } from '@holdfast/kernel';
import type { KeptOptions } from './task-options.js';

/** Stands for a value that was read and is encoded. */
export class Sealed {
  /** Base64 of what the codec made of its JSON. */
  readonly text: string;
  /** The queue for which it was encoded, if that is another one. */
  readonly queue: string | undefined;

  constructor(text: string, queue?: string) {
    this.text = text;
    this.queue = queue;
  }
}

/** Reads the text of a result, a progress or a line of a log. */
export function readValue(text: string): unknown {
  const sealed = sealedIn(text);
  return sealed === undefined ? JSON.parse(text) : new Sealed(sealed);
}

/** Begins the message of an error that is encoded: those of users may begin with anything that is printed. */
const MESSAGE = '\u0003';

export const sealedMessage = (sealed: string): string => MESSAGE + sealed;

/** What is encoded of a message; undefined if it is not encoded. */
export const sealedOf = (message: string): string | undefined =>
  message.startsWith(MESSAGE) ? message.slice(MESSAGE.length) : undefined;

/** Whether the data of a task are encoded, by its options as they are kept; a task that is to be passed on has those of another queue. */
export const isSealed = ({ c, n }: KeptOptions): boolean => c !== undefined || n?.options.c !== undefined;

/** The data of a task as they are kept, or what stands for them. */
export const readSealed = (data: unknown, options: KeptOptions | undefined): unknown =>
  typeof data === 'string' && typeof options === 'object' && options !== null && isSealed(options)
    ? new Sealed(data, options.n?.queue)
    : data;
