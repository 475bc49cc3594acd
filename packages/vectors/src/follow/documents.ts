/**
 * The documents of an index as this process knows them, which of them match a filter, and which expire next.
 *
 * Guarantees: each id is there once, under one number, which others have only when it is gone; one that has expired by the time that
 * `expire` is given is there no more. What a filter selects is as the documents are now.
 */
import { type Bits, clearBit, grown, setBit } from '../attributes/bitmap.js';
import { Columns, type Schema } from '../attributes/columns.js';
import { Selection } from '../attributes/selection.js';
import { type Condition, select } from '../query/filter.js';
import type { Attributes } from '../truth/record.js';
import { SortedIds } from './sorted-ids.js';

export interface KnownDocument {
  readonly id: string;
  /** From 0, for sets of documents: that of one that is gone is used again. */
  readonly number: number;
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

/** Selections that are kept until a document changes. */
const KEPT_SELECTIONS = 16;

export class Documents {
  readonly #all = new Map<string, KnownDocument>();
  /** A heap of those that expire, the next first. A document that was replaced may still be in it. */
  readonly #expiring: KnownDocument[] = [];
  readonly #columns: Columns;
  readonly #byNumber: (KnownDocument | undefined)[] = [];
  readonly #free: number[] = [];
  #live: Bits = new Uint32Array(0);
  /** In their order, once a page was asked for. */
  #sorted: SortedIds | undefined;
  /** By filter, the latest last. */
  readonly #selections = new Map<string, Selection>();

  constructor(schema: Schema) {
    this.#columns = new Columns(schema);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Of what filters need. */
  get columnBytes(): number {
    return this.#columns.bytes + this.#live.byteLength;
  }

  get columns(): Columns {
    return this.#columns;
  }

  get(id: string): KnownDocument | undefined {
    return this.#all.get(id);
  }

  ids(): IterableIterator<string> {
    return this.#all.keys();
  }

  /** The ids above one, or all, in their order. Nothing may change meanwhile. */
  after(id: string | undefined): Iterable<string> {
    this.#sorted ??= new SortedIds(this.#all.keys());
    return this.#sorted.after(id);
  }

  /** Those of a selection. */
  of(selection: Selection): KnownDocument[] {
    const found: KnownDocument[] = [];
    selection.each((number) => {
      const document = this.#byNumber[number];
      if (document) found.push(document);
    });
    return found;
  }

  /** Those that match; all without a condition. */
  select(condition: Condition | undefined): Selection {
    const key = condition === undefined ? '' : JSON.stringify(condition);
    const kept = this.#selections.get(key);
    const selection = kept ?? new Selection(this.#select(condition));
    this.#selections.delete(key);
    this.#selections.set(key, selection);
    const [oldest] = this.#selections.keys();
    if (this.#selections.size > KEPT_SELECTIONS && oldest !== undefined) this.#selections.delete(oldest);
    return selection;
  }

  /** Returns its number. */
  set(document: Omit<KnownDocument, 'number'>): number {
    const before = this.#all.get(document.id);
    if (before) this.#columns.remove(before.number, before.attributes);
    const number = before?.number ?? this.#free.pop() ?? this.#byNumber.length;
    const known = { ...document, number };
    this.#selections.clear();
    if (!before) this.#sorted?.add(known.id);
    this.#all.set(known.id, known);
    this.#byNumber[number] = known;
    this.#live = grown(this.#live, number + 1);
    setBit(this.#live, number);
    this.#columns.add(number, known.attributes, 32 * this.#live.length);
    if (known.expiry > 0) this.#push(known);
    return number;
  }

  delete(id: string): boolean {
    const known = this.#all.get(id);
    if (known === undefined) return false;
    this.#selections.clear();
    this.#all.delete(id);
    this.#sorted?.delete(id);
    this.#columns.remove(known.number, known.attributes);
    this.#byNumber[known.number] = undefined;
    clearBit(this.#live, known.number);
    this.#free.push(known.number);
    return true;
  }

  /** Removes those whose time is over, and tells their ids. */
  expire(now: number): readonly string[] {
    const gone: string[] = [];
    for (let next = this.#expiring[0]; next && next.expiry <= now; next = this.#expiring[0]) {
      this.#pop();
      if (this.#all.get(next.id) !== next) continue;
      this.delete(next.id);
      gone.push(next.id);
    }
    return gone;
  }

  #select(condition: Condition | undefined): Bits {
    return condition === undefined ? this.#live.slice() : select(condition, this.#columns, this.#live);
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
