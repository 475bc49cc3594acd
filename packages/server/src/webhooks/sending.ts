/**
 * Sends a message to a receiver, signed as Standard Webhooks has it.
 *
 * Guarantees: nothing is sent to an address that is not public, unless the receiver may be private; no redirect is followed. The
 * same message has the same id each time, and a signature of its time by each secret of the receiver.
 */
import { createHmac } from 'node:crypto';
import { request as requestPlain } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { isIP } from 'node:net';
import { isPublic, lookupPublic } from './addresses.js';
import type { Receiver } from './receivers.js';

export interface Message {
  /** The same each time that it is sent. */
  readonly id: string;
  readonly body: string;
}

/** How long a receiver may take, in ms. */
const TIMEOUT = 5_000;

/** The header webhook-signature: one for each secret. */
const signatureOf = ({ id, body }: Message, time: number, secrets: readonly Buffer[]): string =>
  secrets
    .map((secret) => `v1,${createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64')}`)
    .join(' ');

/** Resolves to the status of the answer. Rejects if there is none. `time`: in s since the epoch. */
export async function post(to: string, message: Message, receiver: Receiver, time: number): Promise<number> {
  const url = new URL(to);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!receiver.isPrivate && isIP(host) !== 0 && !isPublic(host)) {
    throw new Error(`${host} is an address that is not public`);
  }
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(message.body),
    'user-agent': 'holdfast-webhooks',
    'webhook-id': message.id,
    'webhook-timestamp': String(time),
    'webhook-signature': signatureOf(message, time, receiver.secrets),
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestSecurely : requestPlain;
    const sent = send(url, {
      ...{ method: 'POST', headers, agent: false, signal: AbortSignal.timeout(TIMEOUT) },
      ...(!receiver.isPrivate && { lookup: lookupPublic }),
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      // The body is of no use, and may have no end.
      response.destroy();
    });
    sent.end(message.body);
  });
}
