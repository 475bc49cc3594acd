/** What the verbs of an index have in common: how replies are read, and verbs with one request a call. */
import type { Argument, BinaryCallVerb, BinaryReply } from '@holdfast/redis';
import type { IndexKeys } from '../keys.js';
import { scriptOf } from './scripts.js';

export const words = (reply: BinaryReply): string[] =>
  (reply as readonly BinaryReply[]).map((part) => String(part ?? ''));

interface Parts<Request> {
  /** The keys of the request, behind those of the script. */
  readonly keys?: (request: Request) => readonly string[];
  readonly args: (request: Request) => readonly Argument[];
}

/** A verb with one request a call. */
export function verbFor<Request, Result>(
  place: IndexKeys,
  name: Parameters<typeof scriptOf>[0],
  { keys, args }: Parts<Request>,
  read: (reply: BinaryReply) => Result,
): BinaryCallVerb<Request, Result> {
  const script = scriptOf(name);
  return {
    ...{ script, binary: true, keys: place.for(script), most: 1 },
    encode({ request }, keyList, argList) {
      for (const key of keys?.(request) ?? []) keyList.push(key);
      for (const arg of args(request)) argList.push(arg);
    },
    decode: (reply) => [read(reply)],
  };
}
