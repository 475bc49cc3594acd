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
