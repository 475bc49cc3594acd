/**
 * The scripts of builders of generations as values. The Lua files describe them.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { BinaryReply } from '@holdfast/redis';
import type { IndexKeys, VectorSet } from '../keys.js';
import { verbFor, words } from './verb.js';

/** A model, and the definition of its vectors as JSON. */
export interface Model {
  readonly name: string;
  readonly definition: string;
}

/** Where, in an epoch, a builder has looked at everything. */
export interface Through {
  readonly epoch: string;
  readonly sequence: number;
}

/** The token of a holder, and who issued it. */
export interface Signature {
  readonly token: number;
  readonly issuer: string;
}

export interface BuilderRequest extends Signature {
  readonly generation: string;
}

export interface RetireRequest extends BuilderRequest {
  /** Those of the generation. */
  readonly sets: readonly VectorSet[];
}

export interface BeginRequest extends Signature, Model {
  /** An issuer whose builder has ended for good, or ''. */
  readonly replaces: string;
}

export interface AdvanceRequest extends BuilderRequest {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

/** Why a builder may not do what it asks for. */
export type Refusal =
  | { readonly word: 'stale'; readonly token: number }
  | { readonly word: 'foreign'; readonly issuer: string };

export type Begun =
  | {
      readonly word: 'begun';
      readonly epoch: string;
      readonly generation: string;
      readonly through: Through | undefined;
    }
  | { readonly word: 'busy'; readonly model: string }
  | { readonly word: 'live' | 'none' }
  | { readonly word: 'differs'; readonly definition: string }
  | Refusal;

export type CutReply =
  | { readonly word: 'cut'; readonly place: string }
  | { readonly word: 'behind'; readonly left: number }
  | Refusal;

export function builderVerbs(keys: IndexKeys) {
  const claim = ({ token, issuer, generation }: BuilderRequest): string[] => [
    String(token),
    issuer,
    generation,
  ];
  const setKeys = ({ generation, sets }: RetireRequest): string[] =>
    sets.map(({ name }) => keys.set(generation, name));
  return {
    begin: verbFor(
      keys,
      'begin',
      {
        args: ({ token, issuer, name, definition, replaces }: BeginRequest) => [
          ...[String(token), issuer, name, definition, replaces],
        ],
      },
      readBegun,
    ),
    advance: verbFor(
      keys,
      'advance',
      {
        args: ({ epoch, from, to, ...of }: AdvanceRequest) => [...claim(of), epoch, String(from), String(to)],
      },
      (reply) => {
        const [word = '', token] = words(reply);
        if (word === 'advanced' || word === 'other' || word === 'moved') return { word } as const;
        return refusalOf('advance', word, token);
      },
    ),
    cut: verbFor(
      keys,
      'cut',
      { args: ({ most, ...of }: BuilderRequest & { readonly most: number }) => [...claim(of), String(most)] },
      (reply): CutReply => {
        const [word = '', first = '', second] = words(reply);
        if (word === 'cut') return { word, place: `${first}@${second}` };
        if (word === 'behind') return { word, left: Number(first) };
        return refusalOf('cut', word, first);
      },
    ),
    retire: verbFor(keys, 'retire', { keys: setKeys, args: claim }, (reply) => {
      const [word = '', detail] = words(reply);
      if (word === 'retired' || word === 'live' || word === 'unknown') return { word } as const;
      return refusalOf('retire', word, detail);
    }),
    drop: verbFor(
      keys,
      'drop',
      {
        keys: ({ generation, ids }: DropRequest) => ids.map((id) => keys.vectors(generation, id)),
        args: ({ generation, isLast }) => [generation, isLast ? '1' : '0'],
      },
      (reply): boolean => words(reply)[0] === 'dropped',
    ),
  };
}

export interface DropRequest {
  readonly generation: string;
  readonly ids: readonly string[];
  readonly isLast: boolean;
}

export function readThrough(text: string): Through | undefined {
  const [epoch = '', sequence] = text.split(' ');
  return sequence === undefined ? undefined : { epoch, sequence: Number(sequence) };
}

function readBegun(reply: BinaryReply): Begun {
  const [word = '', first = '', generation = '', through = ''] = words(reply);
  switch (word) {
    case 'begun':
      return { word, epoch: first, generation, through: readThrough(through) };
    case 'busy':
      return { word, model: first };
    case 'live':
    case 'none':
      return { word };
    case 'differs':
      return { word, definition: first };
    default:
      return refusalOf('begin', word, first);
  }
}

function refusalOf(verb: string, word: string, detail = ''): Refusal {
  if (word === 'stale') return { word, token: Number(detail) };
  if (word === 'foreign') return { word, issuer: detail };
  throw new Error(`${verb} answered ${JSON.stringify(word)}`);
}
