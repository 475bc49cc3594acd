/** Mistakes in the generations of an index of vectors: who builds one, what it has when it goes live, and who follows it. */
import type { Canary } from './canary.js';

const LUA = 'packages/vectors/lua';
const SRC = 'packages/vectors/src';

export const VECTOR_GENERATION_CANARIES: readonly Canary[] = [
  {
    name: 'a builder that goes on for ever',
    focus: 'models',
    about: 'A builder that was replaced fills and cuts what another one has begun.',
    changes: [
      {
        file: `${LUA}/builder.lua`,
        find: 'return generation == building and issuer == builder and token == mark',
        replace: 'return generation == building',
      },
    ],
  },
  {
    name: 'a generation begun under any token',
    focus: 'models',
    about: 'The token under which a generation was begun is stored, and not compared.',
    changes: [
      {
        file: `${LUA}/builder.lua`,
        find: "if issuer == builder then return token < mark and {'stale', text_of(mark)} or nil end",
        replace: 'if issuer == builder then return nil end',
      },
    ],
  },
  {
    name: "a builder's vectors under any token",
    focus: 'models',
    about: 'A builder that was replaced writes vectors.',
    changes: [
      {
        file: `${LUA}/vector.lua`,
        find: 'if token > 0 and not (generation == building',
        replace: 'if false and not (generation == building',
      },
    ],
  },
  {
    name: 'vectors of what a document was',
    focus: 'models',
    about: 'A worker that was slow writes the vectors of an earlier text.',
    changes: [
      {
        file: `${LUA}/vector.lua`,
        find: "  if head.digest ~= digest then return 'newer' end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'vectors that nobody hears of',
    focus: 'models',
    about: 'A document whose vectors are written does not stand in the log again.',
    changes: [{ file: `${LUA}/vector.lua`, find: "redis.call('ZADD', LOG, unpack(entries))\n", replace: '' }],
  },
  {
    name: 'a generation that goes live whatever is left',
    focus: 'models',
    about: 'What was written since the builder has looked is not counted.',
    changes: [
      {
        file: `${LUA}/cut.lua`,
        find: 'if left > tonumber(ARGV[4]) or not is_seen then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'a builder that passes over a document',
    focus: 'models',
    about: 'A builder notes that it has looked at a page, of which it has left out one that lacks vectors.',
    changes: [
      {
        file: `${SRC}/generations/builder.ts`,
        find: 'const missing = await missingOf(truth, ids, lacking);',
        replace: 'const missing = (await missingOf(truth, ids, lacking)).slice(1);',
      },
    ],
  },
  {
    name: 'a search by the model of before',
    about:
      'A text that was embedded while another model went live is looked for among the vectors of the first.',
    changes: [
      {
        file: `${SRC}/query/search.ts`,
        find: 'while (this.#parts.serving().index === index) {',
        replace: 'while (true as boolean) {',
      },
    ],
  },
  {
    name: 'a follower that stays with a model',
    focus: 'models',
    about: 'A process that follows an index does not see that another generation is live.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: 'if (page.n !== this.#lineup?.n) {',
        replace: 'if (this.#lineup === undefined) {',
      },
    ],
  },
];
