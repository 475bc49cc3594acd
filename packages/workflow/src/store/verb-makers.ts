/**
 * What makes a verb of a partition from what its script takes and how its reply reads.
 */
import type { CallVerb, Reply, Script } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import { scriptOf } from './scripts.js';

/** What a verb of one partition is made of. */
interface Shape<Request, Result> {
  readonly script: Script;
  /** How many requests one call carries at most. */
  readonly most: number;
  readonly keys?: (request: Request) => readonly string[];
  readonly args: (request: Request) => readonly string[];
  readonly decode: (reply: readonly Reply[], requests: readonly Request[]) => readonly Result[];
}

/** Runs that one call starts, tells, finds or commits: bounds how long Redis is kept from others. */
export const BATCH = 64;

/** What makes verbs with the keys of a partition. */
export function makersFor(keys: PartitionKeys) {
  const make = <Request, Result>(shape: Shape<Request, Result>): CallVerb<Request, Result> => ({
    script: shape.script,
    keys: keys.for(shape.script),
    most: shape.most,
    encode({ request }, keyList, args) {
      for (const key of shape.keys?.(request) ?? []) keyList.push(key);
      for (const arg of shape.args(request)) args.push(arg);
    },
    decode: (reply, calls) =>
      shape.decode(
        reply as readonly Reply[],
        calls.map(({ request }) => request),
      ),
  });
  /** One request a call. */
  const single = <Request, Result>(
    name: Parameters<typeof scriptOf>[0],
    parts: Pick<Shape<Request, Result>, 'keys' | 'args'>,
    read: (reply: readonly Reply[], request: Request) => Result,
  ): CallVerb<Request, Result> =>
    make({
      ...parts,
      script: scriptOf(name),
      most: 1,
      decode: (reply, requests) => requests.map((request) => read(reply, request)),
    });
  return { make, single };
}
