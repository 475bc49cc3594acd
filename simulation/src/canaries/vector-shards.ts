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
        file: `${SHARD}/sharded-index.ts`,
        find: 'limit: limit + offset, after: parts[shard] }',
        replace: 'limit: limit + offset, after: void parts }',
      },
    ],
  },
  {
    name: 'a shard that is late and not waited for',
    focus: 'shards',
    about: 'An answer lacks a shard although nobody has allowed that.',
    changes: [
      {
        file: `${SHARD}/sharded-index.ts`,
        find: 'if (partialAfter !== undefined) return this.#inTime(ask, { partialAfter, signal });',
        replace: 'return this.#inTime(ask, { partialAfter: partialAfter ?? 40, signal });',
      },
    ],
  },
  {
    name: 'a shard that is missing and not named',
    focus: 'shards',
    about: 'An answer without a shard does not say so.',
    changes: [
      {
        file: `${SHARD}/sharded-index.ts`,
        find: 'partial: [...this.#shards.keys()].filter((shard) => !found.has(shard)),',
        replace: 'partial: [],',
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
