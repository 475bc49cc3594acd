/** Memory in 32-bit words, in pages of 1 MiB, that are also read as bytes: an address stays what it is while the memory grows. */

const PAGE_BITS = 18;
const PAGE = 2 ** PAGE_BITS;
const MASK = PAGE - 1;
/** Most words that are allocated at once. */
const MOST_WORDS = 98_304;

export class WordsArena {
  readonly #pages: Uint32Array[] = [];
  /** The same. */
  readonly #bytes: Uint8Array[] = [];
  #used = PAGE;

  get bytes(): number {
    return this.#pages.length * PAGE * 4;
  }

  /** How many bytes it grows at most by allocations of `words` together. */
  growthFor(words: number): number {
    const left = PAGE - this.#used;
    if (words <= left) return 0;
    // What is allocated lies in one page, so each page may keep an end that is too small.
    const pages = Math.ceil(words / (PAGE - MOST_WORDS));
    return pages * PAGE * 4;
  }

  /** The address of so many words, all zero, which lie in one page. */
  allocate(words: number): number {
    if (this.#used + words > PAGE) {
      const page = new Uint32Array(PAGE);
      this.#pages.push(page);
      this.#bytes.push(new Uint8Array(page.buffer));
      this.#used = 0;
    }
    const address = (((this.#pages.length - 1) << PAGE_BITS) | this.#used) >>> 0;
    this.#used += words;
    return address;
  }

  pageOf(address: number): Uint32Array {
    return this.#pages[address >>> PAGE_BITS]!;
  }

  bytesOf(address: number): Uint8Array {
    return this.#bytes[address >>> PAGE_BITS]!;
  }
}

/** Where in its page an address is. */
export const placeOf = (address: number): number => address & MASK;
