/**
 * The scripts of an index as values: the request that each takes, and how its reply is read. The Lua files describe both.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { Argument, BinaryCallVerb, BinaryReply, CallCommand } from '@holdfast/redis';
import { setsOf } from '../aspect.js';
import type { IndexKeys, VectorSet } from '../keys.js';
import { builderVerbs, type Model, readThrough, type Signature, type Through } from './builder-verbs.js';
import { scriptOf } from './scripts.js';
import { verbFor, words } from './verb.js';

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
  /** The number of the last change of the generations that is known. */
  readonly n: string;
  /** What is stored for each generation; empty to keep it. */
  readonly vectors: ReadonlyMap<string, Buffer>;
  /** The sets of each generation that has some. */
  readonly sets: Lineup['sets'];
}

export type Verdict =
  | { readonly word: 'written'; readonly sequence: number; readonly wasThere: boolean }
  | { readonly word: 'older'; readonly time: number; readonly isDeletion: boolean; readonly sequence: number }
  | { readonly word: 'stale'; readonly token: number }
  | { readonly word: 'ahead'; readonly now: number }
  | { readonly word: 'changed' }
  | { readonly word: 'wrong' };

/** The answer to a write: with the epoch in which it counts; undefined if the generations are others than it knows. */
export type Judged = { readonly epoch: string; readonly verdict: Verdict } | undefined;

export interface Lineup {
  readonly epoch: string;
  /** The number of the last change. */
  readonly n: string;
  readonly live: string;
  /** Empty if none is. */
  readonly building: string;
  /** Those of which vectors may be left. */
  readonly dropping: readonly string[];
  readonly models: ReadonlyMap<string, Model>;
  /** Of each generation that the server searches. */
  readonly sets: ReadonlyMap<string, readonly VectorSet[]>;
  /** Up to where all documents have vectors of a generation. */
  readonly throughs: ReadonlyMap<string, Through>;
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

export interface GlanceRequest {
  readonly ids: readonly string[];
  /** Of the vectors of each, so many bytes are read; all, if undefined. */
  readonly generations: readonly { readonly generation: string; readonly bytes: number | undefined }[];
}

export interface PurgeRequest {
  readonly ids: readonly string[];
  readonly generations: readonly string[];
  readonly sets: Lineup['sets'];
}

export interface VectorWrite {
  readonly builder: Signature | undefined;
  readonly generation: string;
  readonly sets: readonly VectorSet[];
  readonly id: string;
  readonly digest: Buffer;
  readonly bytes: Buffer;
}

export type VectorVerdict =
  | { readonly word: 'written' | 'there'; readonly place: string }
  | { readonly word: 'newer' | 'gone' | 'dropped' }
  | { readonly word: 'stale'; readonly token: number };

/** How late and how early the times of events may be, in ms. */
export interface Bounds {
  readonly tombstones: number;
  readonly ahead: number;
}

/** Documents that one call writes at most: it keeps the server from others for about 1 ms. */
const MOST = 32;

export function verbsOf(keys: IndexKeys, { tombstones, ahead }: Bounds) {
  const writing = (name: 'put' | 'delete'): BinaryCallVerb<Write, Judged> => ({
    ...{ script: scriptOf(name), binary: true, keys: keys.for(scriptOf(name)), most: MOST },
    encode({ request }, keyList, args: Argument[]) {
      const { word, id, time, token, issuer, ttl, digest, expected, body, n, vectors, sets } = request;
      if (args.length === 0) args.push(String(tombstones), String(ahead));
      keyList.push(keys.document(id));
      args.push(word, id, String(time ?? ''), String(token), issuer, String(ttl ?? ''), digest);
      args.push(String(expected ?? ''), body, n);
      args.push([...vectors.keys()].map((each) => withSets(each, sets.get(each))).join(' '));
      for (const [generation, bytes] of vectors) {
        keyList.push(keys.vectors(generation, id), ...keysOfSets(keys, generation, sets.get(generation)));
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
  });
  const vector: BinaryCallVerb<VectorWrite, VectorVerdict> = {
    ...{ script: scriptOf('vector'), binary: true, keys: keys.for(scriptOf('vector')), most: MOST },
    encode({ request }, keyList, args: Argument[]) {
      const { builder, generation, sets, id, digest, bytes } = request;
      keyList.push(keys.document(id), keys.vectors(generation, id), ...keysOfSets(keys, generation, sets));
      args.push(String(builder?.token ?? 0), builder?.issuer ?? '', withSets(generation, sets));
      args.push(id, digest, bytes);
    },
    decode(reply, calls) {
      const [epoch = '', ...verdicts] = words(reply);
      return calls.map((_, index) => readVectorVerdict(epoch, verdicts[index] ?? ''));
    },
  };
  return {
    put: writing('put'),
    delete: writing('delete'),
    open: verbFor(keys, 'open', { args: ({ name, definition }: Model) => [name, definition] }, readLineup),
    vector,
    ...builderVerbs(keys),
    ...readingVerbs(keys),
  };
}

/** The verbs of followers. */
function readingVerbs(keys: IndexKeys) {
  return {
    changes: verbFor(
      keys,
      'changes',
      { args: ({ epoch, after, most }: ChangesRequest) => [epoch, String(after), String(most)] },
      readChanges,
    ),
    glance: verbFor(
      keys,
      'glance',
      {
        keys: ({ ids, generations }: GlanceRequest) =>
          ids.flatMap((id) => [
            keys.document(id),
            ...generations.map(({ generation }) => keys.vectors(generation, id)),
          ]),
        args: ({ generations }) =>
          generations.map(({ bytes }) => String(bytes === undefined ? -1 : bytes - 1)),
      },
      (reply) => reply as readonly (Buffer | null)[],
    ),
    purge: verbFor(
      keys,
      'purge',
      {
        keys: ({ ids, generations, sets }: PurgeRequest) => [
          ...[...sets].flatMap(([generation, each]) => keysOfSets(keys, generation, each)),
          ...ids.flatMap((id) => [keys.document(id), ...generations.map((each) => keys.vectors(each, id))]),
        ],
        args: ({ ids, generations, sets }) => [
          ...[String(generations.length), String([...sets.values()].flat().length)],
          ...ids,
        ],
      },
      (reply): number => Number(words(reply)[1]),
    ),
  };
}

const keysOfSets = (keys: IndexKeys, generation: string, sets: readonly VectorSet[] = []): string[] =>
  sets.map(({ name }) => keys.set(generation, name));

/** A generation as the scripts are told of it. */
const withSets = (generation: string, sets: readonly VectorSet[] = []): string =>
  [generation, ...sets.map(({ dimensions }) => dimensions)].join(':');

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

interface KeptString {
  readonly key: string;
  readonly bytes: Buffer;
  /** For how long, in ms. */
  readonly ttl: number;
}

export const SET: CallCommand<KeptString, unknown> = {
  ...{ command: 'SET', binary: true, keys: [], most: 1 },
  encode({ request: { key, bytes, ttl } }, keys, args) {
    keys.push(key);
    args.push(bytes, 'PX', String(ttl));
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

export interface NearRequest {
  /** The set. */
  readonly key: string;
  readonly vector: Float32Array;
  /** How many at most. */
  readonly count: number;
}

/** An element of a set, and its cosine. */
export interface NearElement {
  readonly element: string;
  readonly score: number;
}

/** How many elements a set has. */
export const VCARD: CallCommand<string, number> = {
  ...{ command: 'VCARD', binary: true, keys: [], most: 1 },
  encode({ request }, keys) {
    keys.push(request);
  },
  decode: (reply) => [Number(reply)],
};

/** The elements of a set that are nearest to a vector, the best first. */
export const VSIM: CallCommand<NearRequest, readonly NearElement[]> = {
  ...{ command: 'VSIM', binary: true, keys: [], most: 1 },
  encode({ request: { key, vector, count } }, keys, args) {
    keys.push(key);
    args.push('FP32', Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength));
    args.push('WITHSCORES', 'COUNT', String(count));
  },
  decode: (reply) => [pairsOf(reply)],
};

/** In the third version of the protocol it is a map. The server tells (1 + cosine) / 2. */
function pairsOf(reply: BinaryReply | ReadonlyMap<unknown, unknown>): NearElement[] {
  const flat = reply instanceof Map ? [...reply].flat() : (reply as readonly unknown[]);
  return Array.from({ length: flat.length / 2 }, (_, at) => ({
    element: String(flat[2 * at]),
    score: 2 * Number(String(flat[2 * at + 1])) - 1,
  }));
}

function readLineup(reply: BinaryReply): Lineup {
  const [epoch = '', n = '', live = '', building = '', dropping = '', ...rest] = words(reply);
  const models = new Map<string, Model>();
  const throughs = new Map<string, Through>();
  for (let at = 0; at < rest.length; at += 3) {
    const [generation = '', model = '', through = ''] = rest.slice(at, at + 3);
    const [name = ''] = model.split(' ', 1);
    models.set(generation, { name, definition: model.slice(name.length + 1) });
    const read = readThrough(through);
    if (read) throughs.set(generation, read);
  }
  const left = dropping.split(' ').filter((each) => each !== '');
  const sets = new Map(
    [...models].flatMap(([generation, model]) => {
      const own = setsOf(model);
      return own.length > 0 ? [[generation, own] as const] : [];
    }),
  );
  return { epoch, n, live, building, dropping: left, models, sets, throughs };
}

function readVectorVerdict(epoch: string, text: string): VectorVerdict {
  const [word, number] = text.split(' ');
  switch (word) {
    case 'written':
    case 'there':
      return { word, place: `${epoch}@${number}` };
    case 'newer':
    case 'gone':
    case 'dropped':
      return { word };
    case 'stale':
      return { word, token: Number(number) };
    default:
      throw new Error(`vector answered ${JSON.stringify(text)}`);
  }
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
