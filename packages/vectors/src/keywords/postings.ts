/**
 * The postings of an inverted index: of each term the documents that have it, and of each document its terms, each with
 * the code of a weight.
 *
 * Guarantees: a document is added as a whole or not at all; counts are those of the documents that are there. Documents have
 * slots, rising numbers, and the postings of a term are ordered by slot. What is removed keeps its memory and its slot until
 * the documents that are left are copied into other postings. Throws UnavailableError when the memory may not grow further.
 */
import { UnavailableError } from '@holdfast/kernel';
import { Columns } from './columns.js';
import { DocumentList, readDocument } from './document-list.js';
import { Vocabulary } from './vocabulary.js';
import { placeOf, WordsArena } from './words-arena.js';

/** Of slots, and of numbers of terms: a posting is a slot and a code of 8 bits. */
const SLOTS = 2 ** 24;
/** Of the pieces of a list, which hold 2, 4, 8 and so on, up to this. */
const MOST_IN_PIECE = 1_024;
/** In bytes, of an entry of a Map and the head of a string, about. */
const ENTRY = 80;
/** The same of a term, and of its place in the vocabulary. */
const TERM_ENTRY = 88;

/** That of the document of a posting. */
export const slotOf = (posting: number): number => posting >>> 8;

/** Postings of a term that lie together in `words`. */
export interface Piece {
  readonly words: Uint32Array;
  readonly from: number;
  readonly to: number;
}

/** What a document is stored as: its terms, and the code of each. */
export interface Content {
  readonly terms: readonly string[];
  readonly codes: ArrayLike<number>;
  /** By which BM25 judges how much a term says about it. */
  readonly length: number;
}

export class Postings {
  readonly #limit: number;
  readonly #arena = new WordsArena();
  /** What is put. */
  readonly #written = new DocumentList();
  readonly #termOf = new Map<string, number>();
  readonly #terms: string[] = [];
  /** Of all terms, those that no document has any more, too. */
  readonly vocabulary = new Vocabulary(this.#terms);
  readonly #ofTerm = new Columns({
    ...{ head: Uint32Array, tail: Uint32Array, left: Uint32Array, postings: Uint32Array },
    ...{ documents: Uint32Array, mostCode: Uint8Array, leastLength: Float32Array },
  });
  readonly #slotOf = new Map<string, number>();
  readonly #ids: string[] = [];
  readonly #ofSlot = new Columns({ list: Uint32Array, length: Float32Array, isThere: Uint8Array });
  #strings = 0;
  #lengths = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get documents(): number {
    return this.#slotOf.size;
  }

  /** Those of documents that were removed, too. */
  get slots(): number {
    return this.#ids.length;
  }

  get terms(): number {
    return this.#terms.length;
  }

  get bytes(): number {
    return this.#arena.bytes + this.#ofTerm.bytes + this.#ofSlot.bytes + this.#strings;
  }

  /** Of all documents together. */
  get length(): number {
    return this.#lengths;
  }

  /** By slot. */
  get lengths(): Float32Array {
    return this.#ofSlot.all.length;
  }

  has(id: string): boolean {
    return this.#slotOf.has(id);
  }

  isThere(slot: number): boolean {
    return this.#ofSlot.all.isThere[slot] === 1;
  }

  idOf(slot: number): string {
    return this.#ids[slot]!;
  }

  /** Throws UnavailableError when the memory is full; then the document that the id had is still there. */
  put(id: string, content: Content): void {
    const { terms, codes, length } = content;
    // Those that are new are numbered as they come.
    let fresh = this.#terms.length;
    const numbers = terms.map((text) => this.#termOf.get(text) ?? fresh++);
    this.#written.write(numbers, codes);
    this.#requireRoom(id, content, numbers);
    this.delete(id);
    const slot = this.#ids.length;
    this.#ofSlot.reserve(slot + 1);
    this.#ids.push(id);
    this.#slotOf.set(id, slot);
    this.#strings += ENTRY + 2 * id.length;
    const list = this.#arena.allocate(wordsFor(this.#written.length));
    const { bytes, length: written } = this.#written;
    this.#arena.bytesOf(list).set(bytes.subarray(0, written), 4 * placeOf(list));
    const { list: lists, length: lengths, isThere } = this.#ofSlot.all;
    lists[slot] = list;
    lengths[slot] = length;
    isThere[slot] = 1;
    this.#lengths += lengths[slot]!;
    for (let index = 0; index < numbers.length; index++) {
      const term = numbers[index]!;
      if (term === this.#terms.length) this.#intern(terms[index]!);
      this.#append(term, slot, codes[index]!);
    }
  }

  /** Whether it was there. */
  delete(id: string): boolean {
    const slot = this.#slotOf.get(id);
    if (slot === undefined) return false;
    this.#slotOf.delete(id);
    const { list, length, isThere } = this.#ofSlot.all;
    isThere[slot] = 0;
    this.#lengths -= length[slot]!;
    const { documents } = this.#ofTerm.all;
    readDocument(this.#arena.bytesOf(list[slot]!), 4 * placeOf(list[slot]!), (term) => {
      documents[term]! -= 1;
    });
    return true;
  }

  /** What the document of a slot was stored as. */
  contentOf(slot: number): Content {
    const { list, length } = this.#ofSlot.all;
    const [terms, codes]: [string[], number[]] = [[], []];
    readDocument(this.#arena.bytesOf(list[slot]!), 4 * placeOf(list[slot]!), (term, code) => {
      terms.push(this.#terms[term]!);
      codes.push(code);
    });
    return { terms, codes, length: length[slot]! };
  }

  /** The number of a term, if there is such a term. */
  numbersOf(text: string): readonly number[] {
    const term = this.#termOf.get(text);
    return term === undefined ? [] : [term];
  }

  textOf(term: number): string {
    return this.#terms[term]!;
  }

  /** How many documents that are there have a term. */
  documentsOf(term: number): number {
    return this.#ofTerm.all.documents[term]!;
  }

  /** Undefined if no document that is there has it. */
  term(text: string): TermPostings | undefined {
    const term = this.#termOf.get(text);
    if (term === undefined || this.#ofTerm.all.documents[term] === 0) return undefined;
    const { head, postings, documents, mostCode, leastLength } = this.#ofTerm.all;
    return {
      postings: postings[term]!,
      documents: documents[term]!,
      mostCode: mostCode[term]!,
      leastLength: leastLength[term]!,
      pieces: () => this.#pieces(head[term]!, postings[term]!),
    };
  }

  *#pieces(head: number, postings: number): Iterable<Piece> {
    let address = head;
    let size = 2;
    for (let left = postings; left > 0; ) {
      const words = this.#arena.pageOf(address);
      const from = placeOf(address) + 1;
      const count = Math.min(size, left);
      yield { words, from, to: from + count };
      address = words[from - 1]!;
      left -= count;
      size = Math.min(2 * size, MOST_IN_PIECE);
    }
  }

  #intern(text: string): void {
    const term = this.#terms.length;
    this.#ofTerm.reserve(term + 1);
    this.#terms.push(text);
    this.#termOf.set(text, term);
    this.#ofTerm.all.leastLength[term] = Number.POSITIVE_INFINITY;
    this.#strings += TERM_ENTRY + 2 * text.length;
    this.vocabulary.add(term);
  }

  #append(term: number, slot: number, code: number): void {
    const of = this.#ofTerm.all;
    if (of.left[term] === 0) {
      const count = of.postings[term]!;
      const size = sizeAfter(count);
      const piece = this.#arena.allocate(size + 1);
      if (count === 0) of.head[term] = piece;
      else this.#arena.pageOf(of.tail[term]!)[placeOf(of.tail[term]!)] = piece;
      of.tail[term] = piece;
      of.left[term] = size;
    }
    const tail = of.tail[term]!;
    const size = sizeBefore(of.postings[term]! + of.left[term]!);
    this.#arena.pageOf(tail)[placeOf(tail) + 1 + size - of.left[term]!] = (slot << 8) | code;
    of.left[term]! -= 1;
    of.postings[term]! += 1;
    of.documents[term]! += 1;
    of.mostCode[term] = Math.max(of.mostCode[term]!, code);
    of.leastLength[term] = Math.min(of.leastLength[term]!, this.#ofSlot.all.length[slot]!);
  }

  #requireRoom(id: string, { terms }: Content, numbers: readonly number[]): void {
    const { left, postings } = this.#ofTerm.all;
    let words = wordsFor(this.#written.length);
    let strings = ENTRY + 2 * id.length;
    let fresh = 0;
    for (let index = 0; index < terms.length; index++) {
      const term = numbers[index]!;
      if (term >= this.#terms.length) {
        fresh += 1;
        words += 3;
        strings += TERM_ENTRY + 2 * terms[index]!.length;
      } else if (left[term] === 0) words += sizeAfter(postings[term]!) + 1;
    }
    const growth =
      this.#arena.growthFor(words) +
      this.#ofTerm.growthFor(this.#terms.length + fresh) +
      this.#ofSlot.growthFor(this.#ids.length + 1) +
      strings;
    const isFull = this.#ids.length === SLOTS || this.#terms.length + fresh > SLOTS;
    if (!isFull && this.bytes + growth <= this.#limit) return;
    const gone = this.slots - this.documents;
    const reason = isFull
      ? `it has the most documents or terms, ${SLOTS}`
      : `it has ${this.bytes} of ${this.#limit} bytes and needs ${growth} more`;
    throw new UnavailableError(
      `The index of keywords is full; nothing was stored. ${gone} documents that were deleted or replaced still take room: compact() gives it back. Or raise "memory", or delete documents.`,
      [{ node: 'memory', reason }],
    );
  }
}

/** Words that hold so many bytes. */
const wordsFor = (bytes: number): number => (bytes + 3) >> 2;

/** Of a list of so many postings whose last piece is full: how many the next one holds. */
const sizeAfter = (postings: number): number => Math.min(postings + 2, MOST_IN_PIECE);

/** Of a list with room for so many postings: how many the last piece holds. */
const sizeBefore = (room: number): number => Math.min((room + 2) / 2, MOST_IN_PIECE);

export interface TermPostings {
  /** Those of documents that were removed, too. */
  readonly postings: number;
  /** How many documents have it. */
  readonly documents: number;
  /** Bounds for all its postings. */
  readonly mostCode: number;
  readonly leastLength: number;
  /** In the order of slots. */
  pieces(): Iterable<Piece>;
}
