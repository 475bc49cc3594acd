/**
 * The scripts of an index as values: the request that each takes, and how its reply is read. The Lua files describe both.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { Argument, BinaryCallVerb, BinaryReply, CallCommand } from '@holdfast/redis';
import type { IndexKeys } from '../keys.js';
import { scriptOf } from './scripts.js';

/** A document that is written, or deleted. */
export interface Write {
  readonly word: 'put' | 'patch' | 'delete';
  readonly id: string;
  /** In ms; undefined for now. */
  readonly time: number | undefined;
  /** 0 for none. */
  readonly token: number;
  /** 8 bytes that name the token's issuer. */
  readonly issuer: Buffer;
  /** In ms. */
  readonly ttl: number | undefined;
  readonly digest: Buffer;
  /** The sequence that the document must have. */
  readonly expected: number | undefined;
  readonly body: string;
  /** What is stored for each generation; empty to keep it. */
  readonly vectors: ReadonlyMap<string, Buffer>;
}

export type Verdict =
  | { readonly word: 'written'; readonly sequence: number; readonly wasThere: boolean }
  | { readonly word: 'older'; readonly time: number; readonly isDeletion: boolean; readonly sequence: number }
  | { readonly word: 'stale'; readonly token: number }
  | { readonly word: 'ahead'; readonly now: number }
  | { readonly word: 'changed' }
  | { readonly word: 'wrong' };

/** The answer to a write: with the epoch in which it counts; undefined if a generation is not one of the index. */
export type Judged = { readonly epoch: string; readonly verdict: Verdict } | undefined;

/** A model, and the definition of its vectors as JSON. */
export interface Model {
  readonly name: string;
  readonly definition: string;
}

export interface Lineup {
  readonly epoch: string;
  /** The number of the last change. */
  readonly n: string;
  readonly live: string;
  readonly models: ReadonlyMap<string, Model>;
}

export interface Page {
  readonly word: 'changes';
  readonly epoch: string;
  /** The last sequence of the index. */
  readonly last: number;
  readonly purged: number;
  /** The number of the last change of the generations. */
  readonly n: string;
  /** The server's time, in ms. */
  readonly time: number;
  /** How many documents were written after the place. */
  readonly behind: number;
  readonly entries: readonly { readonly id: string; readonly sequence: number }[];
}

/** The server has another epoch. */
export interface OtherEpoch {
  readonly word: 'other';
  readonly epoch: string;
  /** What has the same sequence as before, below this one, is the same. */
  readonly since: number;
  readonly time: number;
}

export interface ChangesRequest {
  readonly epoch: string;
  readonly after: number;
  readonly most: number;
}

interface PurgeRequest {
  readonly ids: readonly string[];
  readonly generations: readonly string[];
}

/** How late and how early the times of events may be, in ms. */
export interface Bounds {
  readonly tombstones: number;
  readonly ahead: number;
}

/** Documents that one call writes at most: it keeps the server from others for about 1 ms. */
const MOST = 32;

const words = (reply: BinaryReply): string[] =>
  (reply as readonly BinaryReply[]).map((part) => String(part ?? ''));

export function verbsOf(keys: IndexKeys, { tombstones, ahead }: Bounds) {
  const put: BinaryCallVerb<Write, Judged> = {
    ...{ script: scriptOf('put'), binary: true, keys: keys.for(scriptOf('put')), most: MOST },
    encode({ request }, keyList, args: Argument[]) {
      const { word, id, time, token, issuer, ttl, digest, expected, body, vectors } = request;
      if (args.length === 0) args.push(String(tombstones), String(ahead));
      keyList.push(keys.document(id));
      args.push(word, id, String(time ?? ''), String(token), issuer, String(ttl ?? ''), digest);
      args.push(String(expected ?? ''), body, [...vectors.keys()].join(' '));
      for (const [generation, bytes] of vectors) {
        keyList.push(keys.vectors(generation, id));
        args.push(bytes);
      }
    },
    decode(reply, calls) {
      const [epoch = '', ...verdicts] = words(reply);
      return calls.map((_, index): Judged => {
        if (epoch === 'unknown') return undefined;
        return { epoch, verdict: readVerdict(verdicts[index] ?? '') };
      });
    },
  };
  return {
    put,
    open: verbFor(
      keys,
      'open',
      { args: ({ name, definition }: Model) => [name, definition] },
      (reply): Lineup => {
        const [epoch = '', n = '', live = '', ...rest] = words(reply);
        const models = new Map<string, Model>();
        for (let at = 0; at < rest.length; at += 2) {
          const [name = ''] = (rest[at + 1] ?? '').split(' ', 1);
          models.set(rest[at] ?? '', { name, definition: (rest[at + 1] ?? '').slice(name.length + 1) });
        }
        return { epoch, n, live, models };
      },
    ),
    changes: verbFor(
      keys,
      'changes',
      { args: ({ epoch, after, most }: ChangesRequest) => [epoch, String(after), String(most)] },
      readChanges,
    ),
    purge: verbFor(
      keys,
      'purge',
      {
        keys: ({ ids, generations }: PurgeRequest) =>
          ids.flatMap((id) => [keys.document(id), ...generations.map((each) => keys.vectors(each, id))]),
        args: ({ ids, generations }) => [String(generations.length), ...ids],
      },
      (reply): number => Number(words(reply)[1]),
    ),
  };
}

/** A field of a hash. */
export const HGET: CallCommand<readonly [key: string, field: string], string | undefined> = {
  ...{ command: 'HGET', binary: true, keys: [], most: 1 },
  encode({ request: [key, field] }, keys, args) {
    keys.push(key);
    args.push(field);
  },
  decode: (reply) => [reply === null ? undefined : String(reply)],
};

export const HSET: CallCommand<readonly [key: string, field: string, value: string], unknown> = {
  ...{ command: 'HSET', binary: true, keys: [], most: 1 },
  encode({ request: [key, field, value] }, keys, args) {
    keys.push(key);
    args.push(field, value);
  },
  decode: (reply) => [reply],
};

/** Strings by their keys, in one command and so as they are at one moment. */
export const MGET: CallCommand<readonly string[], readonly (Buffer | null)[]> = {
  ...{ command: 'MGET', binary: true, keys: [], most: 1 },
  encode({ request }, keys) {
    for (const key of request) keys.push(key);
  },
  decode: (reply) => [reply as readonly (Buffer | null)[]],
};

interface Parts<Request> {
  /** The keys of the request, behind those of the script. */
  readonly keys?: (request: Request) => readonly string[];
  readonly args: (request: Request) => readonly Argument[];
}

/** A verb with one request a call. */
function verbFor<Request, Result>(
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

function readVerdict(text: string): Verdict {
  const [word, first, second, third] = text.split(' ');
  switch (word) {
    case 'written':
      return { word, sequence: Number(first), wasThere: second === '1' };
    case 'older':
      return { word, time: Number(first), isDeletion: second === '1', sequence: Number(third) };
    case 'stale':
      return { word, token: Number(first) };
    case 'ahead':
      return { word, now: Number(first) };
    case 'changed':
    case 'wrong':
      return { word };
    default:
      throw new Error(`put answered ${JSON.stringify(text)}`);
  }
}

function readChanges(reply: BinaryReply): Page | OtherEpoch {
  const [word = '', epoch = '', ...rest] = words(reply);
  if (word === 'other') {
    return { word, epoch, since: Number(rest[0]), time: Number(rest[1]) };
  }
  const [last, purged, n = '', time, behind, ...pairs] = rest;
  const entries = Array.from({ length: pairs.length / 2 }, (_, index) => ({
    id: pairs[2 * index] ?? '',
    sequence: Number(pairs[2 * index + 1]),
  }));
  const numbers = { last: Number(last), purged: Number(purged), time: Number(time), behind: Number(behind) };
  return { word: 'changes', epoch, n, entries, ...numbers };
}
