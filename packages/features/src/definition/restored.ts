/**
 * Views and services as they were written down, for programs that have no definitions of their own: they read rows and operate
 * a store.
 *
 * Guarantees: a view that is restored has the fields and the meaning of the one that was applied. What only a program has is
 * missing: windows of it count no events, and a service derives nothing.
 */
import { MisuseError } from '@holdfast/kernel';
import type { Service } from './service.js';
import type { StoredService, StoredView } from './stored.js';
import type { FeatureType, Fields } from './types.js';
import type { View } from './view.js';
import type { WindowsView } from './windows.js';

export function restoreView(stored: StoredView): View {
  const { kind, name, entity, version, ttl, strict, history, keep, owner, description, ring } = stored;
  const fields = Object.fromEntries(stored.fields.map((field) => [field.name, typeOf(field)]));
  const view: View = {
    ...{ kind, name, entity, fields: fields as Fields, version, strict, history, keep },
    ...{ ttl: ttl ?? undefined, owner: owner ?? undefined, description: description ?? undefined },
  };
  if (ring === null) return view;
  const nothing = (): never => {
    throw new MisuseError(
      `How events of the windows "${name}" are counted is known to its program alone; follow their source there.`,
    );
  };
  const events = {
    schema: { '~standard': { version: 1, vendor: 'holdfast', validate: nothing } },
    ...{ key: nothing, time: nothing, extractors: { series: [], distinct: [], latest: [] } },
  };
  return { ...view, kind: 'windows', ...ring, events } as unknown as WindowsView;
}

function typeOf({ optional, name: _, ...shape }: StoredView['fields'][number]): FeatureType<unknown> {
  const type = { ...shape, isOptional: optional };
  return { ...type, optional: () => ({ ...type, isOptional: true }) } as unknown as FeatureType<unknown>;
}

/** Undefined for a service that derives features or takes a request, which only its program can serve. */
export function restoreService(
  { name, version, views, derives, takesRequest }: StoredService,
  known: ReadonlyMap<string, View>,
): Service | undefined {
  if (derives || takesRequest) return undefined;
  const own = Object.entries(views).flatMap(([alias, of]): [string, View][] => {
    const view = known.get(of);
    return view === undefined ? [] : [[alias, view]];
  });
  return { name, version, views: Object.fromEntries(own), request: undefined, derive: undefined } as Service;
}
