/** Mistakes in an index of vectors whose documents lie in shards: where they go, what each shard has seen, and how answers become one. */
import type { Canary } from './canary.js';

const SHARD = 'packages/vectors/src/shard';

export const VECTOR_SHARD_CANARIES: readonly Canary[] = [
  {
    name: 'documents in the first shard',
    focus: 'shards',
    about: 'Documents are put into one shard, and looked for in that of their id.',
    changes: [
      {
        file: `${SHARD}/sharded-index.ts`,
        find: 'const shard = this.#shardOf(Object(document).id);',
        replace: 'const shard = this.#shardOf(Object(document).id) * 0;',
      },
    ],
  },
  {
    name: 'shards that wait for nothing',
    focus: 'shards',
    about: 'A search after a place does not tell the shards what they are to have seen.',
    changes: [
      {
        file: `${SHARD}/gather.ts`,
        find: "verb: 'search', args: [{ ...asked, after: places[shard] }]",
        replace: "verb: 'search', args: [{ ...asked, after: void places }]",
      },
    ],
  },
  {
    name: 'a shard that is late and not waited for',
    focus: 'shards',
    about: 'An answer lacks a shard although nobody has allowed that.',
    changes: [
      {
        file: `${SHARD}/shards.ts`,
        find: 'if (partialAfter !== undefined) return this.#inTime(ask, { ...waiting, deadline: partialAfter, among });',
        replace: 'return this.#inTime(ask, { ...waiting, deadline: partialAfter ?? 40, among });',
      },
    ],
  },
  {
    name: 'a shard that is missing and not named',
    focus: 'shards',
    about: 'An answer without a shard does not say so.',
    changes: [
      {
        file: `${SHARD}/shards.ts`,
        find: 'return this.numbers.filter((shard) => !found.has(shard) || others.has(shard));',
        replace: 'return this.numbers.filter((shard) => others.has(shard) && !found.has(shard));',
      },
    ],
  },
  {
    name: 'words that wait for nothing',
    focus: 'shards',
    about: 'A search by words after a place does not tell the shards what they are to have seen.',
    changes: [
      {
        file: `${SHARD}/gather.ts`,
        find: "verb: 'rank', args: [{ ...asked, after: places[shard] }]",
        replace: "verb: 'rank', args: [{ ...asked, after: void places }]",
      },
      {
        file: `${SHARD}/gather.ts`,
        find: 'const asked = { words, shards: shards.count, wait, after: places[shard] };',
        replace: 'const asked = { words, shards: shards.count, wait };',
      },
    ],
  },
  {
    name: 'words of one shard',
    focus: 'shards',
    about: 'Only what one shard has of the words of a search is looked for.',
    changes: [
      {
        file: `${SHARD}/gather.ts`,
        find: 'this.#plan = planOf(words, [...counts.values()]);',
        replace: 'this.#plan = planOf(words, [...counts.values()].slice(0, 1));',
      },
    ],
  },
  {
    name: 'hits of one shard after those of another',
    focus: 'shards',
    about: 'The hits of the shards are put behind each other, and not in one order.',
    changes: [{ file: `${SHARD}/merge.ts`, find: '    .sort(byScore)\n    .slice(', replace: '    .slice(' }],
  },
  {
    name: 'facets of the last shard',
    focus: 'shards',
    about: 'The counts of a value in several shards are not added.',
    changes: [
      {
        file: `${SHARD}/merge.ts`,
        find: 'counts.set(value, (counts.get(value) ?? 0) + count)',
        replace: 'counts.set(value, count)',
      },
    ],
  },
  {
    name: 'a page that ends with its shards',
    focus: 'shards',
    about: 'A page that is full is the last if each shard has told all that it has.',
    changes: [
      {
        file: `${SHARD}/merge.ts`,
        find: 'const isMore = found.length > limit || ',
        replace: 'const isMore = ',
      },
    ],
  },
];
