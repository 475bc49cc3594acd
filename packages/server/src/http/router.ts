/**
 * Finds the operation of a request, by the table of operations alone.
 *
 * Guarantees: a path of no operation is a NotFoundError, another method of a known path a RequestError that lists those that
 * there are. Names are decoded once (decoding.ts).
 */
import { NotFoundError, RequestError } from '../errors.js';
import type { Operation } from '../operations/operation.js';
import { decodeSegment } from './decoding.js';

interface Route {
  readonly operation: Operation;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export interface Match {
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

/** The place of a name that stands in the query instead: where a proxy would change what it has in a path. */
const IN_QUERY = '~';

export class Router {
  readonly #routes = new Map<string, Route[]>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const key = keyOf(operation.path);
      const routes = this.#routes.get(key) ?? [];
      this.#routes.set(key, routes);
      routes.push(routeOf(operation));
    }
    // What ends in a verb is looked at first: a name may contain one.
    for (const routes of this.#routes.values()) {
      routes.sort((a, b) => verbOf(b.operation.path).length - verbOf(a.operation.path).length);
    }
  }

  /** `path`: as it was sent, without the query. Names that are "~" are taken out of `query`. Throws NotFoundError, RequestError. */
  match(method: string, path: string, query: Record<string, string>): Match {
    const methods = new Set<string>();
    for (const { operation, pattern, names } of this.#routes.get(keyOf(path)) ?? []) {
      const found = pattern.exec(path);
      if (found === null) continue;
      methods.add(operation.method);
      if (operation.method !== method && !(method === 'HEAD' && operation.method === 'GET')) continue;
      const params = names.map((name, index) => [name, nameOf(name, found[index + 1] ?? '', query)]);
      return { operation, params: Object.fromEntries(params) };
    }
    if (methods.size === 0) {
      throw new NotFoundError('There is no such path; GET /openapi.json describes those that there are.');
    }
    const allowed = [...methods].join(', ');
    throw new RequestError(`This path takes ${allowed}, not ${method}.`, {
      status: 405,
      headers: { allow: allowed },
    });
  }
}

const verbOf = (path: string): string => /\}?(:[a-z]+)$/.exec(path)?.[1] ?? '';

/** The part of a path by which routes are kept apart: how many segments, and the first two. */
function keyOf(path: string): string {
  const segments = path.split('/');
  const second = (segments[2] ?? '').replace(/:.*$/, '');
  return `${segments.length} ${segments[1]} ${second}`;
}

function routeOf(operation: Operation): Route {
  const names: string[] = [];
  const source = operation.path.replaceAll(/\{(\w+)\}|[^{]+/g, (part, name?: string) => {
    if (name === undefined) return part.replaceAll(/[.*+?^$()[\]\\|]/g, '\\$&');
    names.push(name);
    return '([^/]+)';
  });
  return { operation, names, pattern: new RegExp(`^${source}$`) };
}

function nameOf(name: string, segment: string, query: Record<string, string>): string {
  const given = query[name];
  if (segment !== IN_QUERY || given === undefined) return decodeSegment(segment, name);
  delete query[name];
  return given;
}
