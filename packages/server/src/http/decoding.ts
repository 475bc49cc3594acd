/**
 * Names in paths and queries, decoded once and strictly.
 *
 * Guarantees: text that is not well-formed UTF-8 in percent-encoding, a name with control characters, and the names "."
 * and "..", which proxies take for something else, are refused. What a proxy may have decoded already is not decoded again.
 */
import { RequestError } from '../errors.js';

const UNFIT = /[\p{Cc}\p{Cs}]/u;

function decode(text: string, field: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RequestError(`${field} is not well-formed: its percent-encoding is not that of UTF-8.`, {
      fields: [{ field, message: 'is not well-formed' }],
    });
  }
}

/** A segment of a path. Throws RequestError. */
export function decodeSegment(text: string, field: string): string {
  const name = decode(text, field);
  if (!UNFIT.test(name) && name !== '.' && name !== '..') return name;
  throw new RequestError(`${field} has control characters, or is "." or "..", which is no name.`, {
    fields: [{ field, message: 'is no name' }],
  });
}

/** The parameters of a query; each may be given once. Throws RequestError. */
export function decodeQuery(query: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = decode((at < 0 ? pair : pair.slice(0, at)).replaceAll('+', ' '), 'query');
    if (name in found) {
      const field = `query.${name}`;
      throw new RequestError(`The query has "${name}" twice; give it once.`, {
        fields: [{ field, message: 'is given twice' }],
      });
    }
    found[name] = at < 0 ? '' : decode(pair.slice(at + 1).replaceAll('+', ' '), `query.${name}`);
  }
  return found;
}
