/**
 * The terms of an index by how they begin, for words that are typed in part or with an error.
 *
 * Terms lie in groups of those with the same first three characters. So a beginning of three or more looks at one group, a shorter one at
 * those that begin so, and a word with an error at the groups whose beginning is one edit away at most: some hundreds of the terms
 * of a language.
 *
 * Guarantees: all terms that begin so, and all that are one edit away, are found.
 */

/** Characters of a group. */
const FIRST = 3;

export class Vocabulary {
  readonly #groups = new Map<string, number[]>();
  readonly #terms: readonly string[];

  /** `terms` by number, which grow; each is added once it is there. */
  constructor(terms: readonly string[]) {
    this.#terms = terms;
  }

  add(term: number): void {
    const key = this.#terms[term]!.slice(0, FIRST);
    const group = this.#groups.get(key);
    if (group) group.push(term);
    else this.#groups.set(key, [term]);
  }

  /** Numbers of terms that begin so, the whole word included. */
  *beginningWith(beginning: string): Iterable<number> {
    if (beginning.length >= FIRST) {
      for (const term of this.#groups.get(beginning.slice(0, FIRST)) ?? [])
        if (this.#terms[term]!.startsWith(beginning)) yield term;
      return;
    }
    for (const [key, group] of this.#groups) if (key.startsWith(beginning)) yield* group;
  }

  /** Numbers of terms one edit away: a character more, less, or another one, or two neighbours in the other order. */
  *near(word: string): Iterable<number> {
    for (const [key, group] of this.#groups) {
      if (!mayBeginNear(key, word)) continue;
      for (const term of group) if (isOneEditAway(this.#terms[term]!, word)) yield term;
    }
  }
}

/** Whether something that begins with `key` may be one edit away from a word. */
function mayBeginNear(key: string, word: string): boolean {
  let at = 0;
  while (at < key.length && key[at] === word[at]) at += 1;
  if (at === key.length) return true;
  const rest = key.slice(at + 1);
  return (
    word.startsWith(rest, at + 1) || // another character
    word.startsWith(rest, at) || // one more
    word.startsWith(key.slice(at), at + 1) || // one less
    (key[at] === word[at + 1] &&
      (rest === '' || (rest[0] === word[at] && word.startsWith(rest.slice(1), at + 2))))
  );
}

/** Whether one edit makes one word of the other; equal ones are not. */
function isOneEditAway(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const [left, right] = [one.length - start - end, other.length - start - end];
  if (left + right === 0) return false;
  if (left <= 1 && right <= 1) return true;
  const isSwapped = one[start] === other[start + 1] && one[start + 1] === other[start];
  return left === 2 && right === 2 && isSwapped;
}
