/**
 * The end of a generation, and why a builder is refused.
 *
 * Guarantees: from `retire` on nothing is written to it and nothing reads it; if the deletion of its vectors ends half way, the index
 * remembers that some are left, and `retire` goes on.
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import type { Refusal, Signature } from '../truth/builder-verbs.js';
import type { Truth } from '../truth/truth.js';

/** Vectors that are deleted at a time. */
const AT_ONCE = 500;

/** Deletes all vectors of a generation that is no more. */
export async function dropVectors(truth: Truth, generation: string): Promise<void> {
  let place = { epoch: '', after: 0 };
  for (;;) {
    const page = await truth.changes({ ...place, most: AT_ONCE });
    if (page.word === 'other') {
      place = { epoch: page.epoch, after: 0 };
      continue;
    }
    const ids = page.entries.map(({ id }) => id);
    const last = page.entries.at(-1);
    await truth.builder.drop({ generation, ids, isLast: last === undefined });
    if (last === undefined) return;
    place = { epoch: page.epoch, after: last.sequence };
  }
}

export function throwRefusal(index: string, refusal: Refusal, { token, issuer }: Signature): never {
  if (refusal.word === 'foreign') {
    throw new IssuerMismatchError(
      `A generation of the index "${index}" is being built under tokens of "${refusal.issuer}", with which those of "${issuer}" cannot be compared. Nothing was done. If that builder has ended for good, begin with "replaces".`,
      { resource: index, issuer, expected: refusal.issuer },
    );
  }
  throw new StaleTokenError(
    `The index "${index}" has another builder, which began under token ${refusal.token} after this one under ${token}, or the generation was ended. Nothing was done; stop the work.`,
    { resource: index, offered: token, seen: refusal.token, reason: 'lower' },
  );
}
