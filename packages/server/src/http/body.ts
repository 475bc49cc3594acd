/**
 * Reads the body of a request: JSON, within limits of size and depth.
 *
 * Guarantees: no more than the limit is kept in memory, whatever the request says of its length. A body that is too large, of
 * another type, compressed, nested too deeply or no JSON is a RequestError that says so.
 */
import type { IncomingMessage } from 'node:http';
import { AbortedError, messageOf } from '@holdfast/kernel';
import { RequestError } from '../errors.js';

const DEEPEST = 64;

/** Undefined if there is none. Throws RequestError. */
export async function readBody(request: IncomingMessage, most: number): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding, 'content-length': length } = request.headers;
  if (length === '0' || (length === undefined && request.headers['transfer-encoding'] === undefined)) {
    return undefined;
  }
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type ?? '')) {
    throw new RequestError('A body is JSON, with the header Content-Type: application/json.', {
      status: 415,
    });
  }
  if (encoding !== undefined && encoding !== 'identity') {
    throw new RequestError('A body is not compressed; send it as it is.', { status: 415 });
  }
  if (Number(length) > most) throw tooLarge(most);
  const text = await readText(request, most);
  requireShallow(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestError(`The body is no JSON: ${messageOf(error)}.`, {
      fields: [{ field: 'body', message: 'is no JSON' }],
    });
  }
}

const tooLarge = (most: number): RequestError =>
  new RequestError(`A body has at most ${most} bytes; send less at a time.`, {
    status: 413,
    headers: { connection: 'close' },
  });

/** By events: an iterator over each request costs as much as all else that is done with a small body. */
function readText(request: IncomingMessage, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= most) return;
      request.off('data', take).pause();
      reject(tooLarge(most));
    };
    request.on('data', take);
    request.once('end', () => {
      resolve((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8'));
    });
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new AbortedError('The client has gone.', undefined));
    });
  });
}

/** Whether a text has so few brackets that it cannot be nested too deeply; that is most of them, and costs far less to find out. */
function hasFewBrackets(text: string): boolean {
  let count = 0;
  for (const bracket of '[{') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > DEEPEST) return false;
    }
  }
  return true;
}

/** Nesting costs whoever walks through it later a stack. */
function requireShallow(text: string): void {
  if (hasFewBrackets(text)) return;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22) inString = !inString;
    else if (inString) index += code === 0x5c ? 1 : 0;
    else if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (depth > DEEPEST) {
      throw new RequestError(`A body is nested at most ${DEEPEST} levels deep.`, {
        fields: [{ field: 'body', message: 'is nested too deeply' }],
      });
    }
  }
}
