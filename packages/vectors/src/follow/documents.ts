/**
 * The documents of an index as this process knows them, and which of them expire next.
 *
 * Guarantees: each id is there once; one that has expired by the time that `expire` is given is there no more.
 */
import type { Attributes } from '../truth/record.js';

export interface KnownDocument {
  readonly id: string;
  /** That of its last write. */
  readonly sequence: number;
  /** That at which the log had it when it was read: later, if vectors were written since. */
  readonly logged: number;
  /** In ms since the epoch of time, by the server's clock; 0 for never. */
  readonly expiry: number;
  /** When it was true, in ms. */
  readonly time: number;
  readonly attributes: Attributes;
}

export class Documents {
  readonly #all = new Map<string, KnownDocument>();
  /** A heap of those that expire, the next first. A document that was replaced may still be in it. */
  readonly #expiring: KnownDocument[] = [];

  get size(): number {
    return this.#all.size;
  }

  get(id: string): KnownDocument | undefined {
    return this.#all.get(id);
  }

  ids(): IterableIterator<string> {
    return this.#all.keys();
  }

  values(): IterableIterator<KnownDocument> {
    return this.#all.values();
  }

  set(document: KnownDocument): void {
    this.#all.set(document.id, document);
    if (document.expiry > 0) this.#push(document);
  }

  delete(id: string): boolean {
    return this.#all.delete(id);
  }

  /** Removes those whose time is over, and tells their ids. */
  expire(now: number): readonly string[] {
    const gone: string[] = [];
    for (let next = this.#expiring[0]; next && next.expiry <= now; next = this.#expiring[0]) {
      this.#pop();
      if (this.#all.get(next.id) !== next) continue;
      this.#all.delete(next.id);
      gone.push(next.id);
    }
    return gone;
  }

  #push(document: KnownDocument): void {
    const heap = this.#expiring;
    let at = heap.length;
    heap.push(document);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.expiry <= document.expiry) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = document;
  }

  #pop(): void {
    const heap = this.#expiring;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.expiry < heap[child]!.expiry) child += 1;
      if (heap[child]!.expiry >= last.expiry) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
