/**
 * The ids of an index by namespace, and the entry of each: the number under which stores have its vector.
 *
 * Guarantees: an id of one namespace is not that of another.
 */

/** Of an entry. */
interface Named {
  readonly space: string;
  readonly id: string;
}

const NONE: ReadonlyMap<string, number> = new Map();

export class Entries {
  /** By namespace. One without ids is none. */
  readonly #spaces = new Map<string, Map<string, number>>();
  /** By entry; undefined for one that is free. In two lists, because an object for each would take as much as its id. */
  readonly #ids: (string | undefined)[] = [];
  readonly #spaceOf: string[] = [];
  readonly #free: number[] = [];

  /** With these ids by entry; undefined is free. */
  static of(names: readonly (Named | undefined)[]): Entries {
    const entries = new Entries();
    names.forEach((name, entry) => {
      entries.#ids[entry] = name?.id;
      entries.#spaceOf[entry] = name?.space ?? '';
      if (name) entries.#space(name.space).set(name.id, entry);
      else entries.#free.push(entry);
    });
    return entries;
  }

  /** The id of each entry, or undefined for those that are free. */
  get names(): readonly (Named | undefined)[] {
    return this.#ids.map((id, entry) =>
      id === undefined ? undefined : { space: this.#spaceOf[entry]!, id },
    );
  }

  /** Of all namespaces. */
  get size(): number {
    return this.#ids.length - this.#free.length;
  }

  /** How many ids there are in all namespaces: fewer than entries, if two had the same. */
  get distinct(): number {
    return this.namespaces.reduce((sum, space) => sum + this.sizeOf(space), 0);
  }

  get namespaces(): string[] {
    return [...this.#spaces.keys()];
  }

  /** Of a namespace. */
  sizeOf(space: string): number {
    return (this.#spaces.get(space) ?? NONE).size;
  }

  ids(space: string): string[] {
    return [...(this.#spaces.get(space) ?? NONE).keys()];
  }

  /** That of the id, or the one that it will have. */
  for(space: string, id: string): number {
    return this.known(space, id) ?? this.#free.at(-1) ?? this.#ids.length;
  }

  known(space: string, id: string): number | undefined {
    return this.#spaces.get(space)?.get(id);
  }

  idOf(entry: number): string {
    return this.#ids[entry]!;
  }

  /** Takes the entry that `for` told for it. */
  add(space: string, id: string): void {
    if (this.known(space, id) !== undefined) return;
    const entry = this.#free.pop() ?? this.#ids.length;
    this.#space(space).set(id, entry);
    this.#ids[entry] = id;
    this.#spaceOf[entry] = space;
  }

  /** The entry that it had. */
  delete(space: string, id: string): number | undefined {
    const entry = this.known(space, id);
    if (entry === undefined) return undefined;
    this.#space(space).delete(id);
    if (this.sizeOf(space) === 0) this.#spaces.delete(space);
    this.#ids[entry] = undefined;
    this.#spaceOf[entry] = '';
    this.#free.push(entry);
    return entry;
  }

  get all(): number[] {
    return [...this.#ids.keys()].filter((entry) => this.#ids[entry] !== undefined);
  }

  /** Those of a namespace that match; undefined if that is all that there are. */
  matching(space: string, filter: ((id: string) => boolean) | undefined): number[] | undefined {
    const ids = this.#spaces.get(space) ?? NONE;
    if (filter === undefined) return ids.size === this.size ? undefined : [...ids.values()];
    const entries: number[] = [];
    for (const [id, entry] of ids) if (filter(id)) entries.push(entry);
    return entries;
  }

  #space(space: string): Map<string, number> {
    const known = this.#spaces.get(space) ?? new Map<string, number>();
    this.#spaces.set(space, known);
    return known;
  }
}
