/** Mistakes in how a feature store erases entities and restores them. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const SRC = 'packages/features/src';

export const ERASURE_CANARIES: readonly Canary[] = [
  {
    name: 'an erasure that lets rows in',
    about: 'Rows of an erased entity are deleted, and those that come later are taken.',
    changes: [
      {
        file: `${LUA}/forget.lua`,
        find: "redis.call(is_erased == '1' and 'SADD' or 'SREM', FORGOTTEN, name)",
        replace: "if is_erased ~= '1' then redis.call('SREM', FORGOTTEN, name) end",
      },
    ],
  },
  {
    name: 'events of an erased entity that are counted',
    about: 'Windows take events of an entity that was erased.',
    changes: [
      {
        file: `${LUA}/tally.lua`,
        find: "erased[index] and 'x' or add(key, addition)",
        replace: 'add(key, addition)',
      },
    ],
  },
  {
    name: 'an erasure in one generation',
    about: 'Of the generations of a view, only the oldest loses the rows of an erased entity.',
    changes: [
      {
        file: `${SRC}/store/erase.ts`,
        find: 'for (const generation of generations.map((each) => printGeneration(stored.name, each))) {',
        replace:
          'for (const generation of generations.slice(0, 1).map((each) => printGeneration(stored.name, each))) {',
      },
    ],
  },
  {
    name: 'an erasure without its token',
    about: 'Somebody whose right has ended erases and restores entities.',
    focus: 'erasures',
    changes: [
      {
        file: `${LUA}/erase.lua`,
        find: "if seen and tonumber(token) < tonumber(seen) then return {'stale', eraser} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a partition that anybody has restored',
    about: 'A partition takes rows again although somebody with a later right has erased the entity.',
    focus: 'erasures',
    changes: [
      {
        file: `${LUA}/forget.lua`,
        find: "if token ~= '' and seen and tonumber(token) < tonumber(seen) then return {'stale', eraser} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a restoration that partitions are not told of',
    about: 'An entity is restored in the catalog, and its rows are refused as before.',
    changes: [
      {
        file: `${SRC}/offline/erase.ts`,
        find: '  await restoreOnline(store, name, claim);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'erased rows that are still counted',
    about: 'The count of a generation keeps the rows that were erased.',
    changes: [
      {
        file: `${LUA}/forget.lua`,
        find: "redis.call('HINCRBY', RECORD, 'rows:' .. generation, -count)",
        replace: '',
      },
    ],
  },
];
