/**
 * The terms of a document with their codes as bytes: what is written when it is put, and read when it is deleted or copied.
 *
 * A term is its number, doubled, in groups of 7 bits, the low ones first; it is odd if the code follows, which it does unless that is
 * the most usual one, of a word that stands once in a field of weight 1. The number of terms comes first. Terms that are met early
 * have low numbers, and those are the frequent ones: of texts in a language, two bytes a term.
 *
 * Guarantees: what is read is what was written, in its order.
 */

/** Of a word that stands once in a field of weight 1. */
const USUAL = 8;
/** Bytes of a term: a number of 24 bits, doubled, and a code. */
const MOST = 5;

export class DocumentList {
  /** What was written last, up to `length`. */
  bytes = new Uint8Array(1_024);
  length = 0;

  /** As many codes as terms. */
  write(terms: ArrayLike<number>, codes: ArrayLike<number>): void {
    const count = terms.length;
    if (this.bytes.length < MOST * (count + 1)) this.bytes = new Uint8Array(2 * MOST * (count + 1));
    const { bytes } = this;
    let at = numberTo(bytes, 0, count);
    for (let index = 0; index < count; index++) {
      const code = codes[index]!;
      if (code === USUAL) at = numberTo(bytes, at, 2 * terms[index]!);
      else {
        at = numberTo(bytes, at, 2 * terms[index]! + 1);
        bytes[at++] = code;
      }
    }
    this.length = at;
  }
}

function numberTo(bytes: Uint8Array, from: number, number: number): number {
  let [at, left] = [from, number];
  while (left >= 128) {
    bytes[at++] = (left & 127) | 128;
    left >>>= 7;
  }
  bytes[at++] = left;
  return at;
}

/** Reads what `write` has written, from a place on. */
export function readDocument(
  bytes: Uint8Array,
  from: number,
  each: (term: number, code: number) => void,
): void {
  let at = from;
  const number = (): number => {
    let [value, bits] = [0, 0];
    for (;;) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << bits;
      if (byte < 128) return value;
      bits += 7;
    }
  };
  for (let left = number(); left > 0; left--) {
    const term = number();
    each(term >>> 1, term & 1 ? bytes[at++]! : USUAL);
  }
}
