/**
 * What keeps a page of somebody else's, in the browser of this machine, from using a server that trusts whoever reaches it.
 *
 * Guarantees: a request that was sent to another name than this machine's is refused (a name that was made to resolve to
 * 127.0.0.1), and so is a change that another site's page asks for, or that is not declared as JSON, as forms
 * are not.
 */
import type { IncomingMessage } from 'node:http';

/** The most bytes that are taken. */
const LARGEST = 10_000;
const HERE = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Undefined if the request may be answered. */
export function refusalOf({ method, headers }: IncomingMessage): [status: number, body: object] | undefined {
  const { host = '', origin, 'content-type': type = '' } = headers;
  if (!HERE.has(host.replace(/:\d+$/, ''))) return [421, { error: `This is not "${host}".` }];
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (origin !== undefined && origin !== `http://${host}`)
    return [403, { error: 'Only the page of the shop may ask for that.' }];
  if (!/^application\/json\b/.test(type)) return [415, { error: 'Send it as application/json.' }];
  // One that does not say how long it is has no end that is known.
  if (!(Number(headers['content-length']) <= LARGEST))
    return [413, { error: `Send at most ${LARGEST} bytes.` }];
  return undefined;
}
