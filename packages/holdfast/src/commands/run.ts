/**
 * `holdfast run`: a program under a lease, like flock(1), but across machines.
 *
 * Guarantees: the program starts only under a valid lease and is given its token. When the lease can no longer be
 * proved valid the program is told to stop, a moment before the validity ends, and killed after the grace period. The
 * lease is given back when the program has ended. It cannot be guaranteed here that a program that was too slow to stop
 * writes nothing; that is the task of a guard: the resource has to check the token.
 */
import { AbortedError, formatDuration, LeaseLostError, throwIfAborted } from '@holdfast/kernel';
import type { Lease } from '@holdfast/lock';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { EXIT, exitCodeOfSignal } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { DESCRIPTION, GRACE, LOCK, NODE_OPTIONS, SERVED, TTL, WAIT } from '../options.js';
import { Program } from '../program.js';
import { throughServer } from '../served/server.js';

export const run: Command = {
  name: 'run',
  summary: 'Run a program while holding a lease.',
  operands: [],
  about: `Takes the lease on a resource, runs the program, renews the lease in the
background, and gives it back when the program ends. If the lease is lost, the
program is stopped.

The program finds in its environment
  HOLDFAST_RESOURCE  the resource, as given with --lock
  HOLDFAST_TOKEN     the fencing token: pass it along with every write, and have
                     the resource refuse a write with a lower one
  HOLDFAST_OWNER     who holds the lease, as "holdfast inspect" shows it; not
                     where the lease is that of a server
Signals (INT, QUIT, TERM, HUP, USR1, USR2) are passed on to the program.`,
  options: [LOCK, TTL, WAIT, GRACE, ...NODE_OPTIONS, ...SERVED],
  shared: DESCRIPTION,
  exitCodes: [
    ['n', 'what the program exited with'],
    ['64', 'the command line or the configuration is wrong'],
    ['69', 'too few nodes could vote; nothing was run'],
    ['75', 'somebody else held the lease until --wait was over; nothing was run'],
    ['76', 'the lease was lost, and the program was stopped'],
    ['126', 'the program cannot be executed'],
    ['127', 'the program was not found'],
    ['128+n', 'signal n ended the program (or the waiting for the lease)'],
  ],
  example: 'holdfast run --lock nightly-report --ttl 30s --wait 0 -- ./report.sh --all',
  takesProgram: true,

  async run(args, context, program) {
    const resource = args.text(LOCK) ?? '';
    if (program?.[0] === undefined) {
      throw args.wrong(`the program is missing: give it after "--", as in "${run.example}"`);
    }
    return runUnderLease(args, context, { resource, program });
  },
};

/** What the client of a server waits by default is not what this command does, in ms. */
const WAITS = { wait: 5_000 };

interface Task {
  readonly resource: string;
  readonly program: readonly string[];
}

async function runUnderLease(args: Arguments, context: Context, task: Task): Promise<number> {
  const ttl = args.duration(TTL);
  const wait = args.duration(WAIT);
  const grace = args.duration(GRACE) ?? 5_000;
  const interruption = new Interruption(context.signals);
  const options = {
    ...(ttl !== undefined && { ttl }),
    ...(wait !== undefined && { wait }),
    signal: interruption.signal,
  };
  let lost = false;
  try {
    return await underLease(args, context, { resource: task.resource, options }, async (lease) => {
      const supervision = await supervise(lease, task, { context, interruption, grace });
      lost = supervision.lost;
      return supervision.exitCode;
    });
  } catch (error) {
    const isInterrupted = error instanceof AbortedError || error === interruption.signal.reason;
    if (isInterrupted && interruption.first) return exitCodeOfSignal(interruption.first);
    // This was reported already, when it happened.
    if (error instanceof LeaseLostError && lost) return EXIT.lost;
    throw error;
  } finally {
    interruption.end();
  }
}

interface Wanted {
  readonly resource: string;
  readonly options: { readonly ttl?: number; readonly wait?: number; readonly signal: AbortSignal };
}

/** What a program is run under: a lease of the nodes, or one that a server keeps. */
interface HeldLease extends Pick<Lease, 'signal' | 'token'> {
  readonly owner?: string;
}

async function underLease(
  args: Arguments,
  context: Context,
  { resource, options }: Wanted,
  work: (lease: HeldLease) => Promise<number>,
): Promise<number> {
  if (args.server !== undefined) {
    return throughServer(args, context, async (client) => {
      await using lease = await client.lease(resource, { ...WAITS, ...options });
      return await work(lease);
    });
  }
  const locks = openLocks(args, context);
  try {
    return await locks.using(resource, options, work);
  } finally {
    await locks.close();
  }
}

interface Surroundings {
  readonly context: Context;
  readonly interruption: Interruption;
  /** Milliseconds. */
  readonly grace: number;
}

/** Runs the program until it ends, or the lease does. */
async function supervise(
  lease: HeldLease,
  { resource, program: words }: Task,
  { context, interruption, grace }: Surroundings,
): Promise<{ exitCode: number; lost: boolean }> {
  throwIfAborted(interruption.signal, 'waiting for the lease');
  const { signal, token, owner } = lease;
  signal.throwIfAborted();
  const given = {
    ...{ HOLDFAST_RESOURCE: resource, HOLDFAST_TOKEN: String(token) },
    ...(owner !== undefined && { HOLDFAST_OWNER: owner }),
  };
  const program = await Program.start(words, { ...context.env, ...given }, context.clock);
  interruption.onSignal = (name) => program.passOn(name);
  let stopping: Promise<void> | undefined;
  const onLost = (): void => {
    const reason = (signal.reason as Error).message;
    const how = `SIGTERM now, SIGKILL in ${formatDuration(grace)}`;
    context.stderr.write(`holdfast: ${reason} Stopping ${words[0]}: ${how}.\n`);
    stopping = program.stop(grace);
  };
  if (signal.aborted) onLost();
  else signal.addEventListener('abort', onLost, { once: true });
  const exitCode = await program.ended;
  signal.removeEventListener('abort', onLost);
  await stopping;
  return stopping ? { exitCode: EXIT.lost, lost: true } : { exitCode, lost: false };
}
