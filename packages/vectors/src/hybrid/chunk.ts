/**
 * Long texts in chunks, each of which has a vector of its own: cut between paragraphs, else between sentences, else between words.
 *
 * Guarantees: each word is in a chunk; no chunk has more than `size` words; one begins `overlap` words before the end of the one
 * before. `start` and `end` are where the chunk stands in the text.
 */
import {
  display,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { Tokenizer } from '../keywords/tokenizer.js';

export interface ChunkOptions {
  /** Most words of a chunk, 10 to 10000. Default 200. */
  readonly size?: number;
  /** How many words a chunk has in common with the one before, less than half of `size`. Default 30, or a seventh of `size`. */
  readonly overlap?: number;
}

export const CHUNK = {
  size: withDefault(whole(10, 10_000), 200),
  overlap: optional(whole(0, 5_000)),
} satisfies Readers<ChunkOptions>;

export interface Chunk {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const [SENTENCE, PARAGRAPH] = [1, 2];
const words = new Tokenizer({});

/** Of a text without words, none. Throws MisuseError. */
export function chunksOf(text: string, options: ChunkOptions = {}): Chunk[] {
  if (typeof text !== 'string') throw new MisuseError(`chunksOf takes a text; got ${display(text)}.`);
  const { size, overlap = Math.min(30, Math.floor(size / 7)) } = readOptions('chunksOf', options, CHUNK);
  if (overlap >= size / 2) {
    throw new MisuseError(`"overlap" is less than half of "size", which is ${size}; got ${overlap}.`);
  }
  const starts = words.tokens(text).map(({ start }) => start);
  const breaks = breaksOf(text, starts);
  const chunks: Chunk[] = [];
  for (let from = 0; from < starts.length; ) {
    const to = endOf(breaks, { from, size, words: starts.length });
    const start = from === 0 ? 0 : starts[from]!;
    const cut = text.slice(start, to < starts.length ? starts[to] : text.length);
    const trimmed = cut.trimEnd();
    const skipped = trimmed.length - trimmed.trimStart().length;
    chunks.push({ text: trimmed.trimStart(), start: start + skipped, end: start + trimmed.length });
    if (to === starts.length) break;
    from = to - overlap;
  }
  return chunks;
}

/** By word: whether a sentence or a paragraph begins there. */
function breaksOf(text: string, starts: readonly number[]): Uint8Array {
  const breaks = new Uint8Array(starts.length);
  const mark = (offset: number, kind: number): void => {
    const at = firstFrom(starts, offset);
    if (at < starts.length) breaks[at] = Math.max(breaks[at]!, kind);
  };
  const sentences = new Intl.Segmenter('und', { granularity: 'sentence' });
  for (const { index } of sentences.segment(text)) mark(index, SENTENCE);
  for (const { index } of text.matchAll(/\n[^\S\n]*\n/g)) mark(index, PARAGRAPH);
  return breaks;
}

/** The word before which a chunk ends: in its second half where a paragraph begins, else where a sentence does. */
function endOf(
  breaks: Uint8Array,
  { from, size, words }: { readonly from: number; readonly size: number; readonly words: number },
): number {
  if (words - from <= size) return words;
  for (const kind of [PARAGRAPH, SENTENCE]) {
    for (let at = from + size; at >= from + size / 2; at--) if (breaks[at]! >= kind!) return at;
  }
  return from + size;
}

function firstFrom(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
