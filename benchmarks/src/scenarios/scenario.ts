/**
 * The interface of a scenario: one situation of durable runs, with the processes that take part in it.
 *
 * Guarantees: a scenario checks its own answer. A run that is lost, comes twice or gives a wrong result fails the
 * measurement, whatever the figures are.
 */
import type { Table, Target } from '../harness/report.js';
import type { Servers, Stage } from './stage.js';

/** What a process does when its parent asks for it, by name. Arguments and answers are passed by structured clone. */
// biome-ignore lint/suspicious/noExplicitAny: each call has an argument of its own, and both ends are in one file.
type Calls = Readonly<Record<string, (given: any) => unknown>>;

/** Opens what a process needs, and gives what it can be asked for. `given` comes from the parent. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export type Role = (servers: Servers, given: any) => Calls | Promise<Calls>;

export interface Findings {
  readonly targets: readonly Target[];
  readonly tables: readonly Table[];
  readonly remarks?: readonly string[];
  /** Every number, for machines. */
  readonly data: unknown;
}

export interface Scenario {
  readonly roles: Readonly<Record<string, Role>>;
  readonly measure: (stage: Stage) => Promise<Findings>;
}

/** Monotonic, in ms, and the same in all processes of this machine. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until `isSo`. Throws after `patience` ms. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { every = 20, patience = 120_000 }: { readonly every?: number; readonly patience?: number } = {},
): Promise<void> {
  const end = performance.now() + patience;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`After ${patience} ms, ${what} is still not so.`);
    await pause(every);
  }
}

/** Throws unless they are the same: the answer of a scenario is wrong then. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`Wrong answer: ${what} is ${found}, and has to be ${expected}.`);
}
