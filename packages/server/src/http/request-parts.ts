/**
 * The parts of a request: its body as its operation takes it, its headers, its address.
 *
 * Guarantees: what is not as it should be is a RequestError that names it.
 */
import type { IncomingMessage } from 'node:http';
import { RequestError } from '../errors.js';
import type { Operation } from '../operations/operation.js';
import { check } from './checking.js';

type Headed = Pick<IncomingMessage, 'headers'>;

export function bodyOf({ body: schema }: Operation, body: unknown): unknown {
  if (schema) return check('body', schema, body === undefined ? {} : body);
  if (body === undefined || (typeof body === 'object' && Object.keys(Object(body)).length === 0))
    return undefined;
  throw new RequestError('This operation takes no body.', {
    fields: [{ field: 'body', message: 'is not known' }],
  });
}

export function idempotencyKeyOf({ headers }: Headed): string | undefined {
  const value = headers['idempotency-key'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value)) return value;
  throw new RequestError('The header Idempotency-Key is 1 to 200 visible characters of ASCII.', {
    fields: [{ field: 'header.idempotency-key', message: 'is not accepted' }],
  });
}

export function leaseOf({ headers }: Headed): string {
  const { 'holdfast-lease': handle } = headers;
  if (typeof handle === 'string' && handle !== '') return handle;
  throw new RequestError('Give the handle in the header Holdfast-Lease.', {
    fields: [{ field: 'header.holdfast-lease', message: 'is missing' }],
  });
}

/** Of a socket that takes both versions, an address of version 4 as it is written elsewhere. */
export const addressOf = ({ socket }: IncomingMessage): string =>
  (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
