/**
 * Confirming that replicas know an epoch, so that tokens may be issued above the server's time.
 *
 * Guarantees: an epoch counts as confirmed when all replicas that the server had then, and at least one, had
 * acknowledged its record. Until then, and if there are no replicas, tokens wait for their time (lua/epoch.lua).
 */
import { type Clock, within } from '@holdfast/kernel';
import type { Connection } from './connection.js';

export interface EpochCalls {
  /**
   * A connection that nobody else uses, not open yet: while WAIT blocks, nothing after it is answered. It is closed
   * here.
   */
  readonly connection: Connection;
  readonly clock: Clock;
  /** How long the server may take to answer, in ms. */
  readonly timeout: number;
  /** Writes the epoch once more over that connection; resolves to the epoch and the number of replicas. */
  readonly write: () => Promise<{ readonly epoch: string; readonly replicas: number }>;
  /** Records that replicas know the epoch. */
  readonly confirm: (epoch: string) => Promise<unknown>;
}

/** How long replicas may take, in ms. */
const PATIENCE = 1_000;

/** Resolves to whether the epoch is confirmed. Never rejects. */
export async function confirmEpoch(calls: EpochCalls): Promise<boolean> {
  const { connection, clock, timeout } = calls;
  try {
    await within(clock, timeout, connection.open(), 'did not connect');
    const { epoch, replicas } = await within(clock, timeout, calls.write(), 'did not answer');
    if (replicas === 0) return false;
    const wait = connection.send('WAIT', [String(replicas), String(PATIENCE)]);
    const have = await within(clock, PATIENCE + timeout, wait, 'did not answer');
    if (Number(have) < replicas) return false;
    await calls.confirm(epoch);
    return true;
  } catch {
    return false; // tokens wait for their time
  } finally {
    connection.close();
  }
}
