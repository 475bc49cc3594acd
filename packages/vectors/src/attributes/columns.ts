/** The attributes of the schema, by document number: by which filters find documents, and facets count them. */
import type { Attributes } from '../truth/record.js';
import { NumberColumn } from './number-column.js';
import { PositionColumn } from './position-column.js';
import { TagColumn } from './tag-column.js';

export const KINDS = ['tag', 'number', 'geo'] as const;

/**
 * Of each attribute by which documents are filtered: `tag` for a text, or several; `number` for a finite number; `geo` for a
 * position on the earth, `{ lat, lon }` in degrees.
 */
export type Schema = Readonly<Record<string, (typeof KINDS)[number]>>;

export class Columns {
  readonly #tags = new Map<string, TagColumn>();
  readonly #numbers = new Map<string, NumberColumn>();
  readonly #positions = new Map<string, PositionColumn>();

  constructor(schema: Schema) {
    for (const [name, kind] of Object.entries(schema)) {
      if (kind === 'tag') this.#tags.set(name, new TagColumn());
      else if (kind === 'number') this.#numbers.set(name, new NumberColumn());
      else this.#positions.set(name, new PositionColumn());
    }
  }

  /** `room` is above all numbers of documents. */
  add(number: number, attributes: Attributes, room: number): void {
    for (const [name, column] of this.#tags) column.add(number, attributes[name], room);
    for (const [name, column] of this.#numbers) column.add(number, attributes[name]);
    for (const [name, column] of this.#positions) column.add(number, attributes[name]);
  }

  /** `attributes` are those that were added. */
  remove(number: number, attributes: Attributes): void {
    for (const [name, column] of this.#tags) column.remove(number, attributes[name]);
    for (const column of this.#numbers.values()) column.remove(number);
    for (const column of this.#positions.values()) column.remove(number);
  }

  tag(name: string): TagColumn {
    return this.#tags.get(name) ?? new TagColumn();
  }

  number(name: string): NumberColumn {
    return this.#numbers.get(name) ?? new NumberColumn();
  }

  position(name: string): PositionColumn {
    return this.#positions.get(name) ?? new PositionColumn();
  }

  /** One whose values are counted. */
  of(name: string): TagColumn | NumberColumn {
    return this.#numbers.get(name) ?? this.tag(name);
  }

  get bytes(): number {
    const all = [...this.#tags.values(), ...this.#numbers.values(), ...this.#positions.values()];
    return all.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
