/**
 * The server that a command works through, where --server or HOLDFAST_SERVER names one.
 *
 * Guarantees: the key comes from a file or from HOLDFAST_KEY, never from an argument, which other users of the machine could
 * see, and no error has it. What the server refuses ends with the exit code that the same refusal of Redis has.
 */
import { readFile } from 'node:fs/promises';
import { type Client, createClient, LeaseLostError, ProblemError, UnreachableError } from '@holdfast/client';
import { MisuseError, messageOf } from '@holdfast/kernel';
import { type Arguments, given } from '../arguments.js';
import type { Context } from '../context.js';
import { EXIT, ExitError, exitCodeOfCode } from '../exit-codes.js';
import { KEY_FILE } from '../options.js';

/** How long a call may take, in ms: longer than the longest for which the server lets one wait. */
const LONGEST = 60_000;

/** Works through the server that the settings name. Rejects with UsageError and ExitError. */
export async function throughServer<Result>(
  args: Arguments,
  context: Context,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const url = args.server ?? '';
  const path = args.text(KEY_FILE);
  const key = path === undefined ? keyOf(context) : await keyIn(path);
  try {
    return await work(createClient({ url, fetch: inTime, ...given({ key }) }));
  } catch (error) {
    throw asExit(error);
  }
}

/** The key that a file has. Throws MisuseError. */
export async function keyIn(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MisuseError(`The key in ${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
  return requireKey(text, `${path} has no key: it has one line, such as "holdfast keys create" writes.`);
}

function keyOf({ env }: Context): string | undefined {
  const text = env['HOLDFAST_KEY'] ?? '';
  return text === '' ? undefined : requireKey(text, 'HOLDFAST_KEY has no key in it, which is one word.');
}

function requireKey(text: string, message: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new MisuseError(message);
}

/** A stream goes on for as long as it is read. */
const inTime: typeof fetch = (url, init) => {
  const isStream = new Headers(init?.headers).get('accept') === 'text/event-stream';
  const signals = [
    ...(init?.signal ? [init.signal] : []),
    ...(isStream ? [] : [AbortSignal.timeout(LONGEST)]),
  ];
  return fetch(url, { ...init, signal: AbortSignal.any(signals) });
};

/** What the server knows nothing of is undefined. */
export async function ifKnown<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return undefined;
    throw error;
  }
}

function asExit(error: unknown): unknown {
  if (error instanceof ProblemError) return new ExitError(sayProblem(error), exitOf(error));
  const { message } = error instanceof Error ? error : { message: '' };
  if (error instanceof UnreachableError)
    return new ExitError(message, { exitCode: EXIT.unavailable, code: 'HOLDFAST_UNAVAILABLE' });
  if (error instanceof LeaseLostError)
    return new ExitError(message, { exitCode: EXIT.lost, code: 'HOLDFAST_LEASE_LOST' });
  return error;
}

function sayProblem({ message, errors, status }: ProblemError): string {
  const fields = errors.map(({ field, message: what }) => `${field} ${what}`).join('; ');
  const hint = status === 401 ? ' Give the key by --key-file or HOLDFAST_KEY.' : '';
  return `${message}${fields === '' || message.includes(fields) ? '' : ` (${fields})`}${hint}`;
}

function exitOf({ status, code }: ProblemError): { readonly exitCode: number; readonly code: string } {
  const known = code === undefined ? undefined : exitCodeOfCode(code);
  // A proxy has answered, or a server that is newer.
  const byStatus = status >= 500 ? EXIT.unavailable : status === 429 ? EXIT.busy : EXIT.usage;
  return { exitCode: known ?? byStatus, code: code ?? 'HOLDFAST_UNAVAILABLE' };
}
