/**
 * What a tool is: its name, what has to be allowed for it, what it takes, and what it does with that.
 *
 * Guarantees: `run` is called only with arguments that its schema has accepted.
 */
import type { Client } from '@holdfast/client';
import type { z } from 'zod';
import type { HeldLocks } from './held-locks.js';

/** What an agent may do besides reading. */
export const ALLOWANCES = ['lock', 'write', 'cancel', 'approve'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

export interface Call<Input> {
  readonly input: Input;
  readonly client: Client;
  readonly locks: HeldLocks;
  /** Aborts when the agent no longer waits for the answer. */
  readonly signal: AbortSignal;
}

export interface Tool {
  readonly name: string;
  /** What has to be allowed; undefined for a tool that only reads. */
  readonly asks: Allowance | undefined;
  readonly title: string;
  /** For the model. */
  readonly description: string;
  readonly input: z.ZodObject;
  /** Whether its answer has what other programs or people wrote. */
  readonly showsData: boolean;
  /** Whether calling it twice is as good as once. */
  readonly idempotent: boolean;
  readonly run: (call: Call<unknown>) => Promise<unknown>;
}

/** Defines a tool, with the types that its schema gives. */
export function tool<Input extends z.ZodObject>(
  definition: Omit<Tool, 'input' | 'run' | 'asks' | 'showsData' | 'idempotent'> & {
    readonly input: Input;
    readonly asks?: Allowance;
    readonly showsData?: boolean;
    readonly idempotent?: boolean;
    readonly run: (call: Call<z.output<Input>>) => Promise<unknown>;
  },
): Tool {
  const { asks, showsData = false, idempotent = asks === undefined, run, ...rest } = definition;
  return { ...rest, asks, showsData, idempotent, run: run as Tool['run'] };
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without what is undefined. */
export function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Given<T>;
}
