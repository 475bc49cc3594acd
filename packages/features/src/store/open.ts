/**
 * A store by its name alone: what its catalog has registered.
 */
import { MisuseError } from '@holdfast/kernel';
import { restoreService, restoreView } from '../definition/restored.js';
import type { Service } from '../definition/service.js';
import { readService, readView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { keysOf } from '../keys.js';
import { HGETALL } from './hash.js';
import { callerFor, LAYOUT, type StorePlace, unknownLayout } from './partition.js';

interface Registered {
  readonly partitions: number;
  readonly views: readonly View[];
  readonly services: readonly Service[];
}

/** Throws MisuseError if there is no such store, or a newer program has made it; UnavailableError. */
export async function readRegistered(place: StorePlace): Promise<Registered> {
  const key = keysOf({ store: place.name, prefix: place.prefix, partition: 0 }).of('catalog');
  const caller = callerFor(place, key);
  try {
    const catalog = await caller.call(HGETALL, key);
    const layout = Number(catalog.get('layout') ?? '0');
    if (layout > LAYOUT) throw unknownLayout(place.name, layout);
    const partitions = Number(catalog.get('partitions') ?? '0');
    if (partitions === 0) {
      throw new MisuseError(
        `There is no feature store "${place.name}" here, or nothing was applied to it; a program calls apply() once, as when it is deployed.`,
      );
    }
    const of = (what: string): string[] =>
      [...catalog].flatMap(([field, text]) =>
        field.startsWith(`${what}:`) && !isOfGeneration(field) ? [text] : [],
      );
    const views = of('definition').map((text) => restoreView(readView(text)));
    const known = new Map(views.map((view) => [view.name, view]));
    const services = of('service').flatMap((text) => restoreService(readService(text), known) ?? []);
    return { partitions, views: views.sort((one, other) => (one.name < other.name ? -1 : 1)), services };
  } finally {
    caller.close();
  }
}

/** The definition of a generation that is not read has a dot in its name. */
const isOfGeneration = (field: string): boolean => field.startsWith('definition:') && field.includes('.');
