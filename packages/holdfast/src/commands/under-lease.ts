/**
 * Work that a command does under a lease.
 *
 * Guarantees: the lease is given back, however the work ends; a command that a signal has ended has its exit code.
 */
import { AbortedError } from '@holdfast/kernel';
import type { Lease } from '@holdfast/lock';
import { type Arguments, given } from '../arguments.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { exitCodeOfSignal } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { DESCRIPTION, NODE_OPTIONS, type Option, PREFIX, TTL, WAIT } from '../options.js';

/** What acts under a lease: its holder, and what aborts when the command is interrupted. */
export interface Held {
  readonly holder: Lease;
  readonly signal: AbortSignal;
}

/** The options by which a lease is taken, besides the one that names it. */
export const LEASE_OPTIONS: readonly Option[] = [TTL, WAIT, ...NODE_OPTIONS];

/** Those that describe the deployment; the prefix is also that of what is worked on, which has it among its own. */
export const OF_LEASES: readonly Option[] = DESCRIPTION.filter(({ name }) => name !== PREFIX.name);

export const LEASE_EXIT_CODES = [
  ['75', 'somebody else held the lease until --wait was over'],
  ['76', 'the lease was lost, or somebody with a higher token has this work'],
  ['128+n', 'signal n ended it'],
] as const;

/** Takes the lease of `resource`, acts, and gives it back. */
export async function underLease(
  { args, context }: { readonly args: Arguments; readonly context: Context },
  resource: string,
  act: (held: Held) => Promise<number>,
): Promise<number> {
  const locks = openLocks(args, context);
  const interruption = new Interruption(context.signals);
  const { signal } = interruption;
  const options = given({ ttl: args.duration(TTL), wait: args.duration(WAIT), signal });
  try {
    return await locks.using(resource, options, (holder) => act({ holder, signal }));
  } catch (error) {
    if (error instanceof AbortedError && interruption.first) return exitCodeOfSignal(interruption.first);
    throw error;
  } finally {
    interruption.end();
    await locks.close();
  }
}
