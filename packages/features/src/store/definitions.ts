/**
 * The definitions of views and services as they are applied: what a program declares is compared with what is registered, and what is
 * registered is what rows are written and read by.
 *
 * Guarantees: a change that stored rows cannot follow is refused before anything is registered. What is registered is
 * fetched again only when it has changed.
 */
import { MisuseError } from '@holdfast/kernel';
import {
  compare,
  compareService,
  type Effect,
  requireFollowable,
  type ServiceChange,
} from '../definition/change.js';
import type { Service } from '../definition/service.js';
import {
  describe,
  describeService,
  readService,
  readView,
  type StoredService,
  type StoredView,
  writeDown,
} from '../definition/stored.js';
import type { View } from '../definition/view.js';
import type { Difference } from '../errors.js';
import { printGeneration } from '../generation/info.js';
import type { Catalog, ViewPointer } from './catalog.js';

/** What `apply` has done about a view. */
export interface AppliedView {
  readonly view: string;
  /** `same` where nothing was to be done. */
  readonly effect: Effect;
  readonly differences: readonly Difference[];
}

/** What `apply` has done about a version of a service. */
export interface AppliedService extends ServiceChange {
  readonly service: string;
  readonly version: number;
}

export interface Applied {
  readonly views: readonly AppliedView[];
  readonly services: readonly AppliedService[];
}

/** How often a change is tried again because another came first. */
const TRIES = 5;

/** Registers the views and services, all or none. Throws DefinitionMismatchError, UnavailableError. */
export async function applyAll(
  catalog: Catalog,
  { views, services }: { readonly views: readonly View[]; readonly services: readonly Service[] },
  { force }: { readonly force: boolean },
): Promise<Applied> {
  const names = views.map(({ name }) => name);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const n = (await catalog.pointers(names))?.n ?? 0;
    const registered = n === 0 ? new Map() : await catalog.definitions(names);
    const changes = views.map((view) => {
      const text = registered.get(view.name)?.definition;
      return compare(text === undefined ? undefined : readView(text), describe(view));
    });
    for (const change of changes) requireFollowable(change, { force });
    const versions = await registeredServices(catalog);
    const applied = services.map((service): AppliedService => {
      const { name, version } = service;
      const same = versions.filter((each) => each.name === name);
      return { service: name, version, ...compareService(same, describeService(service)) };
    });
    const wanted = changes.filter(({ effect }) => effect !== 'same').map(({ next }) => next);
    const definitions = new Map(wanted.map((next) => [next.name, writeDown(next).text]));
    const added = new Map(
      services
        .filter((_, place) => applied[place]?.effect === 'new')
        .map((service) => [`${service.name}@${service.version}`, writeDown(describeService(service)).text]),
    );
    const isChange = definitions.size + added.size > 0;
    if (isChange && !(await catalog.apply(n, definitions, added))) continue;
    await catalog.mirror();
    const done = changes.map(({ effect, differences, next }) => ({ view: next.name, effect, differences }));
    return { views: done, services: applied };
  }
  throw new MisuseError(
    `Other programs applied definitions ${TRIES} times meanwhile; nothing was applied. Call apply() again.`,
  );
}

/** A version of a service that is registered. */
export interface ServiceVersion {
  readonly name: string;
  readonly version: number;
  /** The name of each view, by the name that its features begin with. */
  readonly views: Readonly<Record<string, string>>;
}

/** Every version of every service that was applied, by name and version. Throws UnavailableError. */
export async function serviceVersions(catalog: Catalog): Promise<readonly ServiceVersion[]> {
  const all = await registeredServices(catalog);
  return all.map(({ name, version, views }) => ({ name, version, views }));
}

async function registeredServices(catalog: Catalog): Promise<readonly StoredService[]> {
  const all = [...(await catalog.services()).values()].map(readService);
  return all.sort((one, other) => compareNames(one.name, other.name) || one.version - other.version);
}

const compareNames = (one: string, other: string): number => Number(one > other) - Number(one < other);

/** In the pointer to a generation that is kept, and not the one that is read, instead of the number of a change. */
export const NOT_LIVE = 0;

interface Known {
  readonly applied: number;
  readonly stored: StoredView;
}

export class Definitions {
  readonly #catalog: Catalog;
  readonly #known = new Map<string, Known>();
  readonly #ofOthers = new Map<string, StoredView>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** What is registered for a view, undefined if it must be fetched. */
  known(view: string, { live, applied }: ViewPointer): StoredView | undefined {
    if (applied === NOT_LIVE) return this.#ofOthers.get(printGeneration(view, live));
    const known = this.#known.get(view);
    return known !== undefined && known.applied === applied ? known.stored : undefined;
  }

  /** The definition of a generation that is not read, undefined if it has none of its own. Throws UnavailableError. */
  async ofGeneration(view: string, generation: string): Promise<StoredView | undefined> {
    const [, , definition = ''] = await this.#catalog.change('lineup', [view, generation]);
    return definition === '' ? undefined : readView(definition);
  }

  /** The same as it is registered at this moment; undefined if nothing is. Throws UnavailableError, MisuseError. */
  async present(view: string, generation: string): Promise<StoredView | undefined> {
    if ((await this.#catalog.pointers([view])) === undefined) return undefined;
    const found = (await this.#catalog.definitions([view])).get(view);
    return found && ((await this.ofGeneration(view, generation)) ?? readView(found.definition));
  }

  /** The definition by which rows of a generation are read. Throws UnavailableError, MisuseError. */
  async of(view: string, generation: string): Promise<StoredView> {
    return (await this.ofGeneration(view, generation)) ?? (await this.fetch(view));
  }

  /** As `known`, from the catalog. Throws UnavailableError, MisuseError. */
  async fetchFor(view: string, { live, applied }: ViewPointer): Promise<StoredView> {
    if (applied !== NOT_LIVE) {
      const latest = await this.fetch(view);
      if (this.#known.get(view)?.applied === applied) return latest;
      // Another generation may be read since: pointers are held for a while.
      return (await this.ofGeneration(view, live)) ?? latest;
    }
    const stored = await this.of(view, live);
    this.#ofOthers.set(printGeneration(view, live), stored);
    return stored;
  }

  /** Throws UnavailableError; MisuseError for a definition that this version cannot read. */
  async fetch(view: string): Promise<StoredView> {
    const found = (await this.#catalog.definitions([view])).get(view);
    if (found === undefined) throw notApplied(view);
    const stored = readView(found.definition);
    this.#known.set(view, { applied: found.applied, stored });
    return stored;
  }
}

/** The definition of a program as that of a new generation, JSON: it may differ in any way from the registered one. */
export async function nextDefinition(definitions: Definitions, view: View): Promise<string> {
  const { next } = compare(await definitions.fetch(view.name), describe(view));
  return writeDown(next).text;
}

export const notApplied = (view: string): MisuseError =>
  new MisuseError(
    `The view "${view}" was never applied to this store; call apply() once, as when the program is deployed.`,
  );
