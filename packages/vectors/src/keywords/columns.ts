/** Numbers of many things, by the number of the thing: typed arrays that grow together, by doubling. */

type Numbers = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
type Kind = new (length: number) => Numbers;

const FIRST = 256;

export class Columns<Names extends Readonly<Record<string, Kind>>> {
  readonly #kinds: Names;
  #columns: { [Name in keyof Names]: InstanceType<Names[Name]> };
  #room = FIRST;

  constructor(kinds: Names) {
    this.#kinds = kinds;
    this.#columns = this.#made(FIRST);
  }

  /** To be asked for again after `reserve`. */
  get all(): { readonly [Name in keyof Names]: InstanceType<Names[Name]> } {
    return this.#columns;
  }

  get bytes(): number {
    return this.#room * this.#width;
  }

  /** How many bytes it grows by to have room for so many things. */
  growthFor(count: number): number {
    return (this.#roomFor(count) - this.#room) * this.#width;
  }

  reserve(count: number): void {
    const room = this.#roomFor(count);
    if (room === this.#room) return;
    const before = this.#columns;
    this.#columns = this.#made(room);
    for (const name of Object.keys(this.#kinds)) this.#columns[name]!.set(before[name]!);
    this.#room = room;
  }

  #roomFor(count: number): number {
    let room = this.#room;
    while (room < count) room *= 2;
    return room;
  }

  get #width(): number {
    return Object.values(this.#columns).reduce((sum, { BYTES_PER_ELEMENT }) => sum + BYTES_PER_ELEMENT, 0);
  }

  #made(room: number): { [Name in keyof Names]: InstanceType<Names[Name]> } {
    return Object.fromEntries(
      Object.entries(this.#kinds).map(([name, KindOf]) => [name, new KindOf(room)]),
    ) as { [Name in keyof Names]: InstanceType<Names[Name]> };
  }
}
