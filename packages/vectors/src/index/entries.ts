/** The ids of an index, and the entry of each: the number under which stores have its vector. */

export class Entries {
  readonly #entryOf = new Map<string, number>();
  readonly #ids: (string | undefined)[] = [];
  readonly #free: number[] = [];

  /** With these ids by entry; an empty one is free. */
  static of(ids: readonly string[]): Entries {
    const entries = new Entries();
    ids.forEach((id, entry) => {
      entries.#ids[entry] = id === '' ? undefined : id;
      if (id === '') entries.#free.push(entry);
      else entries.#entryOf.set(id, entry);
    });
    return entries;
  }

  /** The id of each entry; an empty one for those that are free. */
  get ids(): string[] {
    return this.#ids.map((id) => id ?? '');
  }

  get size(): number {
    return this.#entryOf.size;
  }

  /** That of the id, or the one that it will have. */
  for(id: string): number {
    return this.known(id) ?? this.#free.at(-1) ?? this.#ids.length;
  }

  known(id: string): number | undefined {
    return this.#entryOf.get(id);
  }

  idOf(entry: number): string {
    return this.#ids[entry]!;
  }

  /** Takes the entry that `for` told for it. */
  add(id: string): void {
    if (this.#entryOf.has(id)) return;
    const entry = this.#free.pop() ?? this.#ids.length;
    this.#entryOf.set(id, entry);
    this.#ids[entry] = id;
  }

  /** The entry that it had. */
  delete(id: string): number | undefined {
    const entry = this.#entryOf.get(id);
    if (entry === undefined) return undefined;
    this.#entryOf.delete(id);
    this.#ids[entry] = undefined;
    this.#free.push(entry);
    return entry;
  }

  get all(): number[] {
    return [...this.#entryOf.values()];
  }

  matching(filter: (id: string) => boolean): number[] {
    const entries: number[] = [];
    for (const [id, entry] of this.#entryOf) if (filter(id)) entries.push(entry);
    return entries;
  }
}
