/**
 * How a script becomes a verb: a request that it takes, and how its reply is read.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { Argument, BinaryCallVerb, BinaryReply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import { scriptOf } from './scripts.js';

/** An answer other than the one that was hoped for: its word, and what goes with it. */
export interface Refusal<Word extends string> {
  readonly word: Word;
  readonly detail: string;
}

type Parts<Request> = {
  readonly keys?: (request: Request) => readonly string[];
  readonly args: (request: Request) => readonly Argument[];
};

/** A verb with one request a call. */
export function verbFor<Request, Result>(
  place: PartitionKeys,
  name: Parameters<typeof scriptOf>[0],
  { keys, args }: Parts<Request>,
  read: (reply: readonly BinaryReply[], request: Request) => Result,
): BinaryCallVerb<Request, Result> {
  const script = scriptOf(name);
  return {
    script,
    binary: true,
    keys: place.for(script),
    most: 1,
    encode({ request }, keyList, argList) {
      for (const key of keys?.(request) ?? []) keyList.push(key);
      for (const arg of args(request)) argList.push(arg);
    },
    decode: (reply, calls) => calls.map(({ request }) => read(reply as readonly BinaryReply[], request)),
  };
}

/** The words of a reply, or of a part of it. */
export const words = (reply: readonly BinaryReply[]): string[] => reply.map((part) => String(part ?? ''));

export const refusal = <Word extends string>([word = '', detail = '']: readonly string[]): Refusal<Word> => ({
  word: word as Word,
  detail,
});
