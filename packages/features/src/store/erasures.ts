/**
 * Entities that were erased: one of their ids, and every row that is about it, alone or as a part of a composite id.
 */
import type { StoredView } from '../definition/stored.js';
import { readView } from '../definition/stored.js';

export interface Erasure {
  /** "<entity>:<id>". */
  readonly name: string;
  /** The number of the catalog's change; a later erasure or restoration has a higher one. */
  readonly n: number;
  /** Of one that was restored: up to which place its rows stay erased, by partition. Undefined while it is erased. */
  readonly until: ReadonlyMap<number, number> | undefined;
}

/** Of the hash that lua/catalog.lua describes. */
export function readErasures(fields: ReadonlyMap<string, string>): readonly Erasure[] {
  return [...fields].map(([name, value]) => {
    const [n = '', state = '', places = ''] = value.split(' ');
    const until = places.split(',').map((each) => each.split(':').map(Number) as [number, number]);
    return { name, n: Number(n), until: state === 'restored' ? new Map(until) : undefined };
  });
}

/** The entity and the id of "<entity>:<id>". */
export function splitName(name: string): { readonly entity: string; readonly id: string } {
  const colon = name.indexOf(':');
  return { entity: name.slice(0, colon), id: name.slice(colon + 1) };
}

/** What ids are made of: as they stand in a key, by the names of their parts. */
export function piecesOf(parts: readonly string[], id: string): readonly string[] {
  if (parts.length < 2) return parts.map((part) => `${part}:${id}`);
  const pieces = id.split('/').map((piece) => piece.replaceAll('%2F', '/').replaceAll('%25', '%'));
  return parts.map((part, at) => `${part}:${pieces[at]}`);
}

/** A view that is registered. */
export interface ListedView {
  readonly stored: StoredView;
  /** The ids of its generations, whatever their state. */
  readonly generations: readonly string[];
}

/** Of the reply of the verb `inventory`. */
export function readInventory([, ...reply]: readonly string[]): readonly ListedView[] {
  return reply.flatMap((_, at) => {
    const [generations = '', definition = ''] = reply.slice(at + 1);
    if (at % 3 !== 0 || definition === '') return [];
    const ids = generations.split(',').map((each) => each.split(' ', 1)[0] ?? '');
    return [{ stored: readView(definition), generations: ids }];
  });
}
