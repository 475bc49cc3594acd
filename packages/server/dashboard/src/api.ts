/**
 * The server's operations, as the dashboard calls them.
 *
 * Guarantees: a call that the server refuses throws a Problem, with the server's own words.
 */

import type { Task as Described } from '@holdfast/client';

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly code?: string;
}

export interface Session {
  readonly subject: string;
  /** Undefined where no keys are asked for. */
  readonly keyId?: string;
  readonly scopes: readonly { readonly system: string; readonly action: string; readonly pattern: string }[];
}

export const STATES = ['waiting', 'active', 'delayed', 'dead', 'completed', 'cancelled'] as const;
export type State = (typeof STATES)[number];

/** A task as the client knows it, with what is only for people. */
export interface Task extends Described {
  readonly notKept?: string;
  /** In ms. */
  readonly duration?: number;
  /** In how many ms. */
  readonly due?: number;
  readonly errors?: readonly Failure[];
}

export type Failure = NonNullable<Described['errors']>[number] & { readonly stack?: string };

/** The path of an operation. Names that a proxy would change go into the query, as the server takes them there, too. */
export function pathOf(
  pattern: string,
  names: Readonly<Record<string, string>> = {},
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  const filled = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name] ?? '';
    if (/^[\w:@=-][\w.:@=-]*$/.test(value)) return value;
    query.set(name, value);
    return '~';
  });
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  return text === '' ? filled : `${filled}?${text}`;
}

/** Calls an operation. Throws a Problem. */
export async function call<Result = unknown>(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((): never => {
    throw problem(0, 'The server cannot be reached.');
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const value = isJson && text !== '' ? JSON.parse(text) : undefined;
  if (response.ok) return value as Result;
  throw (value as Problem | undefined) ?? problem(response.status, `The server answered ${response.status}.`);
}

const problem = (status: number, title: string): Problem => ({ status, title });

/** What a problem says, in one sentence. */
export const wordsOf = ({ title, detail }: Problem): string => detail ?? title;
