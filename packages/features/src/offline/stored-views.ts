/**
 * The views of a service as a training set joins them, out of what a store has: its files, its logs, and the history of its
 * catalog, which says what was read from when on.
 */
import { MisuseError } from '@holdfast/kernel';
import type { Service } from '../definition/service.js';
import type { StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { type LivePoint, livePoints } from '../store/history.js';
import type { DuckDb } from './duckdb.js';
import { type Timeline, timelineOf } from './epochs.js';
import type { Join, JoinedView, LiveSpan } from './joins.sql.js';
import type { StoreParts } from './parts.js';
import { additionsRelation, rowsRelation } from './relations.js';
import { collectRows, type StoredRows } from './stored-rows.js';

/** What is joined, and what is to be told of it. */
export interface Joined {
  readonly views: readonly JoinedView[];
  readonly lost: number;
  readonly otherTypes: readonly string[];
  /** The files that were named when this was found out. */
  readonly files: readonly string[];
}

interface Sources {
  readonly store: StoreParts;
  readonly duckdb: DuckDb;
  readonly dir: string | undefined;
  readonly scratch: string;
  readonly join: Join;
}

export async function viewsOfStore(service: Service, sources: Sources): Promise<Joined> {
  const { store, duckdb } = sources;
  for (const [alias, view] of Object.entries(service.views)) {
    if (view.kind === 'windows' && sources.join === 'event-time') {
      throw new MisuseError(
        `"${alias}" is a view of windows, which keep sums of events and not when each happened; join as-served or known-at.`,
      );
    }
    if (view.history) continue;
    throw new MisuseError(
      `The view "${view.name}" has \`history: false\`, so nothing says what was served of it; leave "${alias}" out of the service.`,
    );
  }
  const names = new Set(Object.values(service.views).map(({ name }) => name));
  const stored = await collectRows({ ...sources, views: names });
  // After the rows: a row of a generation that went live meanwhile is then of one that is known.
  const history = await store.catalog.history();
  const timelines = timelinesOf(stored);
  const views: JoinedView[] = [];
  const otherTypes: string[] = [];
  for (const [alias, view] of Object.entries(service.views)) {
    const points = livePoints(history, view.name);
    const live = points.map(
      ({ n, since, generation, stored: by }): LiveSpan => ({
        ...{ n, since, generation, ttl: by === undefined ? (view.ttl ?? null) : by.ttl },
      }),
    );
    if (live.length === 0) throw new MisuseError(`The view "${view.name}" was never applied; call apply().`);
    const { parts } = view.entity;
    const fields = Object.keys(view.fields);
    const joined = { alias, parts, fields, live, timelines, isFlags: view.kind === 'flags' };
    if (view.kind === 'windows') {
      const windows = await definitionsOf(store, view, points);
      views.push({ ...joined, rows: additionsRelation(view, stored), windows });
    } else {
      const relation = await rowsRelation(duckdb, view, stored);
      otherTypes.push(...relation.otherTypes.map((each) => `${alias}.${each}`));
      views.push({ ...joined, rows: relation.sql, windows: undefined });
    }
  }
  const files = [...stored.files.values()].flatMap(({ exported }) => exported);
  return { views, lost: stored.lost.length, otherTypes, files };
}

/** The latest definition of each generation. */
async function definitionsOf(
  { definitions }: StoreParts,
  { name }: View,
  points: readonly LivePoint[],
): Promise<ReadonlyMap<string, StoredView>> {
  const known = new Map<string, StoredView>();
  for (const { generation, stored } of points) {
    known.set(generation, stored ?? (await definitions.of(name, generation)));
  }
  return known;
}

/** Undefined if no partition has several segments. */
function timelinesOf({ epochs }: StoredRows): ReadonlyMap<number, Timeline> | undefined {
  const known = [...epochs].filter(([, each]) => each.length > 0);
  const timelines = new Map(known.map(([partition, each]) => [partition, timelineOf(each)]));
  const isSplit = [...timelines.values()].some(({ segments }) => new Set(segments.values()).size > 1);
  return isSplit ? timelines : undefined;
}
