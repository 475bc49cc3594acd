/**
 * A feature store behind a server, as the actions of `holdfast features` that only look see one in Redis.
 *
 * Guarantees: the server's state of the store is asked for once. A service's answer has no reasons for values that are null.
 */
import type { Client } from '@holdfast/client';
import type { Features, StoreHealth, StoreStats, View } from '@holdfast/features';
import type { Drift, FeatureDrift } from '@holdfast/features/offline';

/** What a server shows of a view. */
export interface ServedView
  extends Pick<View, 'name' | 'kind' | 'version' | 'ttl' | 'history' | 'owner' | 'description'> {
  readonly entity: { readonly name: string; readonly parts: readonly string[] };
  readonly fields: Readonly<Record<string, ServedField>>;
}

interface ServedField {
  readonly kind: string;
  readonly size?: number | undefined;
  readonly isOptional: boolean;
}

/** What a server has an operation for. */
export interface ServedStore extends Pick<Features, 'name' | 'stats' | 'health'> {
  readonly views: readonly ServedView[];
  readonly served: readonly { readonly name: string; readonly version: number }[];
  lanes(view: ServedView, options: { readonly generation?: string }): Promise<readonly ServedLane[]>;
  /** Absent of a store in Redis: `driftOf` is a function of its package. */
  drift?(view: ServedView): Promise<Drift>;
  rows(view: ServedView, ids: readonly never[]): Promise<readonly ServedRow[]>;
  get(
    service: never,
    ids: readonly never[],
    request: never,
    options: { meta: true },
  ): Promise<readonly ServedAnswer[]>;
}

interface ServedLane {
  readonly lane: string;
  readonly rank: number | undefined;
  readonly token: number | undefined;
  readonly issuer: string;
  readonly isFinished: boolean;
  readonly source: readonly { readonly name: string; readonly through?: readonly number[] | undefined }[];
}

interface ServedRow {
  readonly values: object;
  readonly time?: Date | null | undefined;
  readonly reason?: string | undefined;
}

interface ServedAnswer {
  readonly answer: object;
  readonly views: Readonly<Record<string, { readonly reason?: string | undefined }>>;
}

/** Rejects with a ProblemError of 404 if there is no such store. */
export async function storeOf({ features }: Client, name: string): Promise<ServedStore> {
  const [state, { services }] = await Promise.all([features.stats(name), features.describe(name)]);
  const views = state.views.map(({ entity, parts, types, ...view }) => ({
    ...view,
    entity: { name: entity, parts },
    fields: Object.fromEntries(
      Object.entries(types).map(([field, { optional, ...type }]) => [
        field,
        { ...type, isOptional: optional },
      ]),
    ),
  }));
  return {
    name,
    views: views as unknown as readonly ServedView[],
    served: services.map((each) => ({
      name: each.split('@', 1)[0] ?? '',
      version: Number(each.split('@')[1]),
    })),
    stats: async () => statsIn(state),
    health: async () => healthIn(state),
    async lanes({ name: view }, options) {
      const { lanes } = await features.lanes(name, view, options);
      return lanes.map((lane) => ({
        ...lane,
        source: lane.source.map(({ through, ...part }) => ({
          ...part,
          through: through?.split(',').map(Number),
        })),
      })) as unknown as ServedLane[];
    },
    drift: async ({ name: view }) => driftIn(await features.drift(name, view)),
    async rows({ name: view }, ids) {
      const { rows } = await features.rows(name, view, { ids: ids.map((id) => id ?? null) });
      return rows.map(({ values, time, reason }) => ({
        ...{ values, reason, time: time === undefined ? undefined : new Date(time) },
      }));
    },
    async get(service: { readonly name: string; readonly version: number }, ids, request) {
      const body = { ids: [...ids], ...(request !== undefined && { request }) };
      const { answers } = await features.serve(name, `${service.name}@${service.version}`, body);
      return answers.map((answer) => ({ answer, views: {} }));
    },
  };
}

type State = Awaited<ReturnType<Client['features']['stats']>>;

function statsIn({ views, log }: State): StoreStats {
  const all = views.map(({ name, live, rows, newest, age = null, refused, deadLetters, generations }) => [
    name,
    {
      ...{ live, rows, newest: newest === undefined ? null : new Date(newest), age },
      ...{ refused, deadLetters, generations },
    },
  ]);
  return { views: Object.fromEntries(all), log: { entries: log.entries, age: log.age ?? null } };
}

function healthIn({ problems, views }: State): StoreHealth {
  const all = views.map(({ name, live, behind, generations }) => {
    const filling = generations.filter(({ state }) => state === 'filling').map(({ id }) => id);
    return [name, { live, behind, filling }];
  });
  return { problems, views: Object.fromEntries(all) };
}

function driftIn({ since, rows, features }: Awaited<ReturnType<Client['features']['drift']>>): Drift {
  const spread = ({ count, nulls, mean }: (typeof features)[number]['now']): FeatureDrift['now'] => ({
    ...{ count, nulls, mean: mean ?? null },
  });
  return {
    since: since === undefined ? undefined : new Date(since),
    rows,
    features: features.map(
      ({ feature, verdict, psi = null, nullPsi = null, before, now, bins }): FeatureDrift => ({
        ...{ feature, verdict, psi, nullPsi, now: spread(now) },
        before: before && spread(before),
        bins: bins.map(({ upTo = null, ...shares }) => ({ upTo, ...shares })),
      }),
    ),
  };
}
