/**
 * How long a journal is: every replay reads all of it, so one that grows without end is said to be long, and then goes on no
 * further.
 */

/** Records, and characters of their text. */
export interface JournalLength {
  readonly records: number;
  readonly size: number;
}

const LONG: JournalLength = { records: 10_000, size: 8 * 1024 * 1024 };
const TOO_LONG: JournalLength = { records: 50_000, size: 64 * 1024 * 1024 };

export class JournalSize {
  length: JournalLength = { records: 0, size: 0 };

  add(texts: readonly string[]): void {
    const size = texts.reduce((sum, text) => sum + text.length, this.length.size);
    this.length = { records: this.length.records + texts.length, size };
  }

  get isLong(): boolean {
    return isBeyond(this.length, LONG);
  }

  get isTooLong(): boolean {
    return isBeyond(this.length, TOO_LONG);
  }
}

const isBeyond = (length: JournalLength, limit: JournalLength): boolean =>
  length.records >= limit.records || length.size >= limit.size;
