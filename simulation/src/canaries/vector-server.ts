/** Mistakes in an index whose vectors the server searches: its sets, and what changes while it searches. */
import type { Canary } from './canary.js';

const LUA = 'packages/vectors/lua';
const SRC = 'packages/vectors/src';

export const VECTOR_SERVER_CANARIES: readonly Canary[] = [
  {
    name: 'what changes while the server searches',
    about: 'What the server has found counts, whatever was written to these documents meanwhile.',
    focus: 'server',
    changes: [
      {
        file: `${SRC}/follow/recent-vectors.ts`,
        find: '.filter(([, { at }]) => at > from);',
        replace: '.filter(([, { at }]) => at > from && at < 0);',
      },
    ],
  },
  {
    name: 'vectors that were not read in time',
    about: 'A document that was applied without its vectors while the server searched counts as unchanged.',
    focus: 'server',
    changes: [
      {
        file: `${SRC}/follow/recent-vectors.ts`,
        find: 'this.#unknown = this.#now;',
        replace: 'void this.#unknown;',
      },
    ],
  },
  {
    name: 'what the server has and the process has not',
    about: 'What the server has found is told before what it had then is applied.',
    focus: 'server',
    changes: [{ file: `${SRC}/query/server-search.ts`, find: '    await follower.look();\n', replace: '' }],
  },
  {
    name: 'a set with the vectors of before',
    about: 'The sets of the server keep the vectors of a document that is put again.',
    focus: 'server',
    changes: [
      {
        file: `${LUA}/listing.lua`,
        find: "if bytes == '' and was_listed and old.digest == new.digest then",
        replace: 'if was_listed then',
      },
    ],
  },
  {
    name: 'a set with what was deleted',
    about: 'The sets of the server keep the vectors of a document that is deleted.',
    focus: 'server',
    changes: [
      {
        file: `${LUA}/listing.lua`,
        find: 'if new.is_deletion then return false end',
        replace: 'if new.is_deletion then return nil end',
      },
    ],
  },
  {
    name: 'a set with chunks of an earlier write',
    about: 'The sets of the server keep the last chunks of a document that has fewer now.',
    focus: 'server',
    changes: [
      {
        file: `${LUA}/sets.lua`,
        find: '  for index, set in ipairs(sets) do remove_from(set, id, counts[index]) end\n',
        replace: '',
      },
    ],
  },
];
