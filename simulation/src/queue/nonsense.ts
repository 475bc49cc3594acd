/** What users' handlers and backoffs give that they should not: a worker goes on all the same. */

/** What handlers throw that is no proper error. */
export const NONSENSE: readonly (() => unknown)[] = [
  () => Object.create(null),
  () => Object.defineProperty(new Error(), 'message', { value: 5n }),
  () =>
    Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('thrown by a getter');
      },
    }),
  () => Object.assign(new Error('planned'), { stack: { no: 'text' } }),
  () => undefined,
  () => Symbol('planned'),
];

/** What backoffs give that are no proper ones. */
export function giveNonsense(attempt: number): number {
  if (attempt === 1) return Number.NaN;
  if (attempt === 2) throw Object.create(null);
  return Promise.reject(new Error('later')) as never;
}
