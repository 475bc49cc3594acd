/**
 * The definitions of one program: its views and services by name.
 *
 * Guarantees: no two of them have the same name, an entity means the same in all of them, and the views of a service
 * are among those of the program. Anything else is a MisuseError where the store is made.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Service } from './service.js';
import type { View } from './view.js';

export interface Registry {
  readonly views: ReadonlyMap<string, View>;
  /** By `name@version`. */
  readonly services: ReadonlyMap<string, Service>;
}

/** Throws MisuseError. */
export function registryOf(views: readonly View[], services: readonly Service[]): Registry {
  const registry = {
    views: byName('view', views, ({ name }) => name),
    services: byName('service', services, ({ name, version }) => `${name}@${version}`),
  };
  requireSameEntities(views);
  for (const [name, { views: used }] of registry.services) {
    for (const view of Object.values(used)) {
      if (registry.views.get(view.name) === view) continue;
      throw new MisuseError(
        `The service "${name}" reads the view "${view.name}", which is not among the views of the store; add it there.`,
      );
    }
  }
  return registry;
}

function byName<T>(what: string, all: readonly T[], nameOf: (each: T) => string): ReadonlyMap<string, T> {
  if (!Array.isArray(all)) throw new MisuseError(`${what}s is a list of definitions; got ${display(all)}.`);
  const found = new Map<string, T>();
  for (const each of all as readonly T[]) {
    if (typeof Object(each).name !== 'string' || typeof each !== 'object') {
      throw new MisuseError(`Each ${what} is a definition, as of ${what}(…); got ${display(each)}.`);
    }
    const name = nameOf(each);
    if (found.has(name))
      throw new MisuseError(`Two definitions are the ${what} "${name}"; rename one of them.`);
    found.set(name, each);
  }
  return found;
}

function requireSameEntities(views: readonly View[]): void {
  const parts = new Map<string, string>();
  for (const { name, entity } of views) {
    const mine = entity.parts.join(', ');
    const others = parts.get(entity.name) ?? mine;
    if (mine !== others) {
      throw new MisuseError(
        `The entity "${entity.name}" of the view "${name}" has the parts ${mine}; another view takes it with ${others}.`,
      );
    }
    parts.set(entity.name, mine);
  }
}
