/**
 * Writing documents: put, patch and delete, each under an event time and, if there is one, a token.
 *
 * Guarantees: those of the scripts (lua/put.lua): of two writes of a document the later event wins, and a document is written as
 * a whole or not at all. A write that throws UnavailableError may have been carried out; repeated with its time, it does no harm.
 */
import { createHash } from 'node:crypto';
import { StaleTokenError } from '@holdfast/fence';
import { display, MisuseError, readOptions, requireClaim, UnavailableError } from '@holdfast/kernel';
import type { Model } from '../truth/builder-verbs.js';
import {
  type Attributes,
  bodyBytes,
  digestOf,
  numbersOf,
  readBody,
  readDocument,
  vectorBytes,
} from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Lineup, Verdict, Write } from '../truth/verbs.js';
import { DELETE, type DeleteOptions, PATCH, type PatchOptions } from '../vector-index-options.js';
import { attributesJson, checkDocument, type Document, type DocumentShape, requireId } from './document.js';

/** What became of a write. */
export type Written =
  | {
      readonly outcome: 'written';
      /** Searches `after` it see the write. */
      readonly place: string;
      /** Whether there was a document of this id. */
      readonly replaced: boolean;
    }
  | {
      /** Nothing was done: a later event is there. */
      readonly outcome: 'older';
      /** The time of that. */
      readonly time: Date;
      /** Whether that is a deletion. */
      readonly isDeleted: boolean;
      /** Searches `after` it see the later event. */
      readonly place: string;
    };

/** What became of a patch; "absent" if there is no such document. */
export type Patched = Written | { readonly outcome: 'absent' };

export interface WriterParts {
  readonly index: string;
  readonly truth: Truth;
  /** Those of this program, of which the first is that of the vectors that it puts. */
  readonly models: readonly Model[];
  readonly shape: DocumentShape;
  /** Called when a document was put that is to have vectors of the live generation, and came without. */
  readonly unembedded: (generation: string, id: string, digest: Buffer) => Promise<void>;
  /** How far ahead of the server's an event time may be, in ms. */
  readonly ahead: number;
}

const NOTHING = Buffer.alloc(0);
const NO_ISSUER = Buffer.alloc(8);
const NO_DIGEST = Buffer.alloc(16);
/** How often a write is tried again because something else was changed meanwhile. */
const TRIES = 5;

export class Writer {
  readonly #parts: WriterParts;
  #lineup: Promise<Lineup> | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  async put(document: Document, options: PatchOptions): Promise<Written> {
    const { time, ttl, holder } = readOptions('put', options, PATCH);
    const { id, vectors, attributes, text, terms } = checkDocument(document, this.#parts.shape);
    const isGiven = vectors.some(({ length }) => length > 0);
    const numbers = numbersOf(vectors);
    const digest = digestOf(text, isGiven ? numbers : undefined);
    const body = bodyBytes({ attributes, text, terms });
    const write = {
      word: 'put' as const,
      id,
      time,
      ttl,
      digest,
      body,
      expected: undefined,
      ...signed(holder),
    };
    const bytes = isGiven ? vectorBytes(digest, numbers) : undefined;
    const written = (await this.#write(write, bytes)) as Written;
    const isUnembedded = written.outcome === 'written' && text !== undefined && !isGiven;
    if (isUnembedded) await this.#parts.unembedded((await this.open()).live, id, digest);
    return written;
  }

  /** Attributes take the place of those of their names; null removes one. The text stays. */
  async patch(id: string, attributes: Attributes, options: PatchOptions): Promise<Patched> {
    const { time, ttl, holder } = readOptions('patch', options, PATCH);
    const { truth, shape } = this.#parts;
    attributesJson(requireId(id), attributes, shape.schema);
    const write = { word: 'patch' as const, id, time, ttl, digest: NO_DIGEST, ...signed(holder) };
    let refused: number | undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const [found] = await truth.fetch([id], []);
      const stored = found?.document ? readDocument(found.document) : undefined;
      // What was refused and has not changed has expired.
      if (stored === undefined || stored.isDeletion || stored.sequence === refused)
        return { outcome: 'absent' };
      const { attributes: before, text, terms } = readBody(stored.body) ?? {};
      const merged = Object.entries({ ...before, ...attributes }).filter(([, value]) => value !== null);
      const kept = {
        attributes: attributesJson(id, Object.fromEntries(merged), shape.schema),
        text: text === undefined ? undefined : JSON.stringify(text),
        terms: terms && JSON.stringify(terms),
      };
      const body = bodyBytes(kept);
      const written = await this.#write({ ...write, body, expected: stored.sequence });
      if (written.outcome !== 'changed') return written;
      refused = stored.sequence;
    }
    throw this.#restless(id);
  }

  /** With `expected` only if that is the sequence of the document: "changed" otherwise. */
  async delete(
    id: string,
    options: DeleteOptions,
    expected?: number,
  ): Promise<Written | { readonly outcome: 'changed' }> {
    const { time, holder } = readOptions('delete', options, DELETE);
    return this.#write({
      ...{ word: 'delete', id: requireId(id), time, ttl: undefined, body: '', ...signed(holder) },
      ...{ digest: NO_DIGEST, expected },
    });
  }

  /** With vectors, of the model of this program; those of the other generations stay, and count if they are made of the same. */
  async #write(
    write: Omit<Write, 'n' | 'vectors' | 'sets'>,
    bytes?: Buffer,
  ): Promise<Written | { readonly outcome: 'changed' }> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { n, models, sets } = await this.open();
      const vectors = new Map<string, Buffer>([...models.keys()].map((each) => [each, NOTHING]));
      if (bytes) vectors.set(this.#generation(models), bytes);
      const judged = await this.#parts.truth.put({ ...write, n, vectors, sets });
      if (judged) return this.#writtenOf(write, judged.epoch, judged.verdict);
      this.#lineup = undefined; // the generations are others than we knew
    }
    throw this.#restless(write.id);
  }

  #writtenOf(
    { id, token, time: given }: Pick<Write, 'id' | 'token' | 'time'>,
    epoch: string,
    verdict: Verdict,
  ): Written | { readonly outcome: 'changed' } {
    const { index, ahead } = this.#parts;
    switch (verdict.word) {
      case 'written':
        return { outcome: 'written', place: `${epoch}@${verdict.sequence}`, replaced: verdict.wasThere };
      case 'older': {
        const { time, isDeletion, sequence } = verdict;
        return {
          outcome: 'older',
          time: new Date(time),
          isDeleted: isDeletion,
          place: `${epoch}@${sequence}`,
        };
      }
      case 'changed':
        return { outcome: 'changed' };
      case 'stale':
        throw new StaleTokenError(
          `The document ${display(id)} of the index "${index}" was written under token ${verdict.token}; ${token} is lower. Nothing was done; stop the work.`,
          { resource: id, offered: token, seen: verdict.token, reason: 'lower' },
        );
      case 'ahead':
        throw new MisuseError(
          `time of the document ${display(id)} is ${display(new Date(given ?? 0))}, which is more than ${ahead} ms ahead of the server's ${display(new Date(verdict.now))}. Nothing was done; see whose clock is wrong.`,
        );
      default:
        throw new Error(`a write was answered with "${verdict.word}"`);
    }
  }

  /** The generation of the vectors that this program makes. */
  #generation(models: Lineup['models']): string {
    const { index, models: own } = this.#parts;
    const model = own[0]!;
    for (const [generation, { name }] of models) if (name === model.name) return generation;
    throw otherModel(index, model, [...models.values()]);
  }

  /** The generations, as they are known here. Throws MisuseError if one has another model of a name of this program. */
  async open(): Promise<Lineup> {
    const { index, truth, models: own } = this.#parts;
    this.#lineup ??= truth.open(own[0]!);
    const lineup = await this.#lineup.catch((error: unknown) => {
      this.#lineup = undefined;
      throw error;
    });
    for (const each of lineup.models.values()) for (const model of own) requireSameModel(index, model, each);
    return lineup;
  }

  #restless(id: string): UnavailableError {
    return new UnavailableError(
      `The document ${display(id)} of the index "${this.#parts.index}" was not written: it, or the generations, changed again and again. Nothing was done; try again.`,
      [],
    );
  }
}

/** Throws MisuseError if a model of the same name is another one. */
export function requireSameModel(index: string, own: Model, { name, definition }: Model): void {
  if (name !== own.name || definition === own.definition) return;
  throw new MisuseError(
    `The model "${name}" of the index "${index}" has ${definition}, and this program says ${own.definition}. Give "vectors" of createIndex() as it was, or another name for another model.`,
  );
}

export function otherModel(index: string, own: Model, models: readonly Pick<Model, 'name'>[]): MisuseError {
  return new MisuseError(
    `The index "${index}" has vectors of ${models.map(({ name }) => `"${name}"`).join(', ')}, and this program makes those of "${own.name}": they cannot be compared.`,
  );
}

/** The token of a holder, and what names its issuer. */
function signed(holder: unknown): { readonly token: number; readonly issuer: Buffer } {
  if (holder === undefined) return { token: 0, issuer: NO_ISSUER };
  const { token, issuer } = requireClaim(holder);
  return { token, issuer: createHash('sha256').update(issuer).digest().subarray(0, 8) };
}
