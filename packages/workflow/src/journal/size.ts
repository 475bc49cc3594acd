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
  records = 0;
  size = 0;

  add(texts: readonly string[]): void {
    this.records += texts.length;
    for (const text of texts) this.size += text.length;
  }

  get length(): JournalLength {
    return { records: this.records, size: this.size };
  }

  get isLong(): boolean {
    return isBeyond(this, LONG);
  }

  get isTooLong(): boolean {
    return isBeyond(this, TOO_LONG);
  }
}

const isBeyond = (length: JournalLength, limit: JournalLength): boolean =>
  length.records >= limit.records || length.size >= limit.size;
