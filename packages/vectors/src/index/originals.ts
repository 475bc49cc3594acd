/** The vectors of an index as they were put, by entry, for scores without the error of rows. In pieces, so that growing copies nothing. */

const PIECE_BYTES = 4 * 2 ** 20;

export class Originals {
  readonly #dimensions: number;
  readonly #perPiece: number;
  readonly #pieces: Float32Array[] = [];

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#perPiece = Math.floor(PIECE_BYTES / (4 * dimensions));
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  }

  /** So many of the first, one after the other, into bytes. */
  copyTo(out: Uint8Array, count: number): void {
    for (let from = 0; from < count; from += this.#perPiece) {
      const piece = this.#pieces[from / this.#perPiece];
      const part = piece?.subarray(0, (count - from) * this.#dimensions);
      if (part)
        out.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), 4 * from * this.#dimensions);
    }
  }

  set(entry: number, vector: ArrayLike<number>): void {
    const number = Math.floor(entry / this.#perPiece);
    this.#pieces[number] ??= new Float32Array(this.#perPiece * this.#dimensions);
    this.at(entry).set(vector);
  }

  /** The vector itself, not a copy. */
  at(entry: number): Float32Array {
    const from = (entry % this.#perPiece) * this.#dimensions;
    return this.#pieces[Math.floor(entry / this.#perPiece)]!.subarray(from, from + this.#dimensions);
  }
}
