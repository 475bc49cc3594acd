/**
 * Confirming an epoch: that replicas know it, so that tokens may be issued above the server's time.
 *
 * Guarantees: an epoch counts as confirmed when all replicas that the server had then, and at least one, had acknowledged
 * its record. Until then, and where there are none, tokens wait for their time (lua/server.lua).
 */
import { within } from '@holdfast/kernel';
import type { QueuePort } from './port.js';
import { confirm, epoch } from './verbs.js';

/** How long replicas may take, in ms. */
const PATIENCE = 1_000;

/** Resolves to whether it is confirmed. Throws UnavailableError. */
export async function confirmEpoch(port: QueuePort): Promise<boolean> {
  // A connection of its own: while it waits, nothing behind it is answered.
  const connection = port.connectAlone();
  const { clock } = port;
  try {
    await within(clock, port.callTimeout, connection.open(), 'did not connect');
    const written = await within(clock, port.callTimeout, port.callOver(connection, epoch), 'did not answer');
    if (written.replicas === 0) return false;
    const wait = connection.send('WAIT', [String(written.replicas), String(PATIENCE)]);
    const have = await within(clock, PATIENCE + port.callTimeout, wait, 'did not answer');
    if (Number(have) < written.replicas) return false;
    await port.call(confirm, written.epoch);
    return true;
  } catch {
    return false; // tokens wait for their time
  } finally {
    connection.close();
  }
}
