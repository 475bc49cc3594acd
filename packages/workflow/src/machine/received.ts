/**
 * Messages as a function receives them whole, so that it can answer them.
 */
import type { Message } from '../journal/record.js';
import { encodeValue } from '../json.js';

/** A message of a run. */
export interface ReceivedMessage<T = unknown> {
  readonly id: string;
  readonly payload: T;
  /**
   * Answers it: `run.ask` gives the value, JSON, to whoever has asked. The answer is in the journal first, and goes out with
   * the next commit. Throws MisuseError for a second answer.
   */
  reply(value: unknown): void;
}

export function received(
  { id, name, payload }: Message,
  reply: (id: string, value: unknown) => void,
): ReceivedMessage {
  return {
    id,
    payload,
    reply: (value) => {
      encodeValue(value, `The answer to "${name}"`);
      reply(id, value);
    },
  };
}
