/**
 * What a function gives to its calls, checked before a call takes its place.
 *
 * Guarantees: nonsense throws a MisuseError that names the call and the value.
 */
import { callback, display, duration, MisuseError, optional } from '@holdfast/kernel';
import type { Branch, Pass } from './workflow-context.js';

/** Options of calls that wait: how long, in ms. */
export const TIMEOUT = { timeout: optional(duration({ max: Number.MAX_SAFE_INTEGER })) };

const CONTROL = /\p{Cc}|\p{Cs}/u;

/** 1 to 200 characters. Throws MisuseError. */
export function requireCallName(what: string, name: unknown): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= 200 && !CONTROL.test(name)) return;
  throw new MisuseError(`${what} is 1 to 200 characters without control characters; got ${display(name)}.`);
}

/** Throws MisuseError. */
export function requireBody(of: string, body: unknown): void {
  callback()(`The body of ${of}`, body);
}

/** The branches of `ctx.all`, in their order. Throws MisuseError. */
export function readBranches(
  branches: unknown,
): readonly { readonly name: string; readonly run: Branch<unknown> }[] {
  if (typeof branches !== 'object' || branches === null) {
    throw new MisuseError(`ctx.all takes an object of branches, by their names; got ${display(branches)}.`);
  }
  return Object.entries(branches).map(([name, run]) => ({
    name,
    run: callback<Branch<unknown>>()(`The branch ${display(name)} of ctx.all`, run),
  }));
}

/** Throws MisuseError. */
export function requireRacers(branches: unknown): void {
  if (!Array.isArray(branches) || branches.length === 0) {
    throw new MisuseError(`ctx.race takes at least one branch, in an array; got ${display(branches)}.`);
  }
  for (const [index, branch] of branches.entries()) callback()(`The branch ${index} of ctx.race`, branch);
}

/** Throws MisuseError. */
export function requireItems(items: unknown): void {
  if (!Array.isArray(items)) throw new MisuseError(`ctx.map takes an array of items; got ${display(items)}.`);
}

/** What a pass of a loop has given. Throws MisuseError. */
export function readPass<State, Result>(pass: unknown): Pass<State, Result> {
  const isObject = typeof pass === 'object' && pass !== null;
  if (isObject && 'next' in pass !== 'done' in pass) return pass as Pass<State, Result>;
  throw new MisuseError(`A pass of ctx.loop gives either { next } or { done }; got ${display(pass)}.`);
}

/** In ms since the epoch. Throws MisuseError. */
export function readTime(time: unknown): number {
  const at = time instanceof Date ? time.getTime() : time;
  if (typeof at === 'number' && Number.isFinite(at)) return at;
  throw new MisuseError(`The time to sleep until is a Date, or ms since the epoch; got ${display(time)}.`);
}
