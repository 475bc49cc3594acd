/**
 * What a service answers: the features of its views by `view.feature`, and those that are derived from them.
 *
 * Guarantees: each id gets one row; an entity that several ids share is read once. A request that does not fit the schema of
 * the service is a MisuseError before anything is read.
 */
import { checkData, display, MisuseError } from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import { placeOf } from '../definition/entity.js';
import type { Service } from '../definition/service.js';
import type { Reader, Wanted } from './reader.js';

type Ids = Readonly<Record<string, unknown>>;

/** What a read needs beside the service. */
interface ServiceRead {
  readonly reader: Reader;
  readonly partitions: number;
  readonly ids: readonly Ids[];
  readonly request: unknown;
}

/** One answer for each of the ids. Throws MisuseError, RowError, UnavailableError. */
export async function answerOf(service: Service, read: ServiceRead): Promise<readonly object[]> {
  const { reader, partitions, ids } = read;
  if (!Array.isArray(ids)) {
    throw new MisuseError(`get() takes a list of ids, as [{ user: 'u1' }]; got ${display(ids)}.`);
  }
  const request = await requestOf(service, read.request);
  const wanted: Wanted[] = [];
  const places = new Map<string, number>();
  const views = Object.entries(service.views);
  const rows = Array.from(ids, (given, index) => {
    const each = requireIds(service, given, index);
    return views.map(([, view]) => {
      const { id, by } = placeOf(view.name, view.entity, each);
      const name = `${view.name}:${id}`;
      const known = places.get(name);
      if (known !== undefined) return known;
      places.set(name, wanted.length);
      return wanted.push({ view, id, partition: partitionOf(by, partitions) }) - 1;
    });
  });
  const found = await reader.read(wanted);
  return rows.map((of) => {
    const answer: Record<string, unknown> = {};
    for (const [index, [alias, view]] of views.entries()) {
      const values = found[of[index] ?? 0]?.values ?? {};
      for (const feature in view.fields) answer[`${alias}.${feature}`] = values[feature];
    }
    const derived = service.derive?.(answer as never, request as never);
    return derived === undefined ? answer : { ...answer, ...derived };
  });
}

/** The ids at one place of the list. What each of them is, `placeOf` checks. */
function requireIds({ views }: Service, ids: unknown, index: number): Ids {
  if (typeof ids === 'object' && ids !== null && !Array.isArray(ids)) return ids as Ids;
  const parts = new Set(Object.values(views).flatMap(({ entity }) => entity.parts));
  const names = [...parts].map((part) => `"${part}": …`).join(', ');
  throw new MisuseError(
    `ids[${index}] of get() is not an object with an id for each entity, as ${names === '' ? '{}' : `{ ${names} }`}; got ${display(ids)}.`,
  );
}

async function requestOf({ name, request: schema }: Service, request: unknown): Promise<unknown> {
  if (schema === undefined) return undefined;
  return checkData(schema, request, { of: 'the request', owner: `service "${name}"` });
}
