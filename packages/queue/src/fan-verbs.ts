/**
 * The scripts of fan-ins as values, as those of verbs.ts.
 */
import type { Reply } from '@holdfast/redis';
import type { ClaimParts } from './guarded.js';
import { readOutcome, type TaskOutcome } from './results.js';
import { filling, type PutRequest, type QueueVerb, single } from './verbs.js';

export interface FanRequest {
  /** The id of the follow-up. */
  readonly fan: string;
  /** How many tasks the fan-in has. */
  readonly total: number;
  /** Of the follow-up, from when it is added; in ms. */
  readonly delay: number;
  readonly expires: number | undefined;
  /** The follow-up, without the times. */
  readonly record: string;
  /** Of this call, and for how many ms it may be repeated; '' if it is not. */
  readonly name: string;
  readonly within: number;
  /** Under which the tasks are added, if under any. */
  readonly claim: ClaimParts | undefined;
  readonly members: readonly (Omit<PutRequest, 'deduplicate'> & { readonly place: number })[];
}

/**
 * Adds tasks of a fan-in. Its result is "fanned", and for each task "added", "same" or "other"; or "full" and the limit, or
 * "used" if the follow-up's id is, or "refused" and why the claim is.
 */
export const fan: QueueVerb<FanRequest, readonly Reply[]> = {
  ...filling<FanRequest, readonly Reply[]>('fan', encodeFan, (reply) => reply),
  moreKeys: ({ claim }) => claim?.keys ?? [],
};

function encodeFan(request: FanRequest): readonly string[] {
  const { fan, total, delay, expires, record, name, within, claim, members } = request;
  return [
    ...[fan, String(total), String(delay), String(expires ?? ''), record, name, String(within)],
    ...(claim?.args ?? ['', '', '', '']),
    ...members.flatMap((member) => [
      ...[String(member.place), member.id, String(member.priority), member.key, String(member.delay)],
      ...[member.body, String(member.expires ?? '')],
    ]),
  ];
}

export interface GatheredPage {
  /** Of the fan-in: another one of the same id has another number. */
  readonly number: string;
  readonly total: number;
  /** How many tasks have not ended. */
  readonly left: number;
  readonly next: number | undefined;
  readonly outcomes: readonly TaskOutcome[];
}

/** Its result is undefined if nothing is known of such a fan-in. */
export const gathered = single<
  { readonly id: string; readonly from: number; readonly limit: number },
  GatheredPage | undefined
>(
  'gathered',
  ({ id, from, limit }) => [id, String(from), String(limit)],
  ([word, number, total, left, next, ...outcomes], { from }) =>
    word === 'unknown'
      ? undefined
      : {
          ...{ number: String(number), total: Number(total), left: Number(left) },
          next: next === '' ? undefined : Number(next),
          outcomes: outcomes.flatMap((text, index) => readOutcome(from + index, String(text))),
        },
);
