/** From steps of the plan to options of calls, and from documents that were answered to what is judged of them. */
import type { StoredDocument } from '@holdfast/vectors';
import { BEGINNING } from '../world/machine.js';
import type { Answered } from './answers.js';
import { AHEAD, type Attributes } from './names.js';
import type { TimePlan } from './plan.js';

/** Before the world begins, in ms since 1970: the first of the instants at which documents were true. */
const INSTANT = BEGINNING / 1000 - 10_000;

export function timeOf(time: NonNullable<TimePlan>, now: number): number {
  if ('tooFar' in time) return now + AHEAD + 60_000;
  return 'instant' in time ? INSTANT + time.instant * 1_000 : now + time.beside;
}

export const answeredOf = ({
  id,
  attributes,
  time,
  ...rest
}: StoredDocument & { readonly score?: number; readonly chunk?: number | undefined }): Answered => ({
  ...{ id, attributes: attributes as unknown as Attributes, time: time.getTime() },
  ...(rest.score !== undefined && { score: rest.score }),
  ...(rest.chunk !== undefined && { chunk: rest.chunk }),
});

/** Options without those that are undefined. */
export const given = <T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined>;
  };
