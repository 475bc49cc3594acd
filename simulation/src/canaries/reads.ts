/** Mistakes in what a feature store answers: schemas, times to live, caches, places and pins. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const SRC = 'packages/features/src';

export const READ_CANARIES: readonly Canary[] = [
  {
    name: 'rows read by the newest schema',
    about: 'A row is read by the schema that was applied last, not by its own.',
    changes: [
      {
        file: `${SRC}/row/decode.ts`,
        find: 'this.#plans.get(view.getUint16(begin + 2, true))',
        replace: '[...this.#plans.values()].at(-1)',
      },
    ],
  },
  {
    name: 'rows written by the newest schema',
    about: 'A program that lacks a field says that its rows have it.',
    changes: [
      {
        file: `${SRC}/lane/open.ts`,
        find: 'schemas.findLast((schema) => schema.seed === seed)',
        replace: 'schemas.at(-1)',
      },
    ],
  },
  {
    name: 'a schema that nobody asks for',
    about: 'A row of a schema that was applied a moment ago is taken for a torn one.',
    focus: 'deploys',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: "outcome = stored === undefined ? 'unknown' : reader.read(stored, row, now, values);",
        replace:
          "outcome = stored === undefined ? 'unknown' : reader.read(stored, row, now, values);\n        if (stored !== undefined && outcome === 'unknown') outcome = 'torn';",
      },
    ],
  },
  {
    name: 'a value past its time',
    about: 'Rows are served although their TTL has passed.',
    changes: [
      {
        file: `${SRC}/read/view-reader.ts`,
        find: 'reader.read(row, values, now - ttl)',
        replace: 'reader.read(row, values, now - Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    name: 'rows of another reader',
    about: 'Of two reads that travel together, both get the rows of the first.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/fetch.ts`,
        find: 'rows.slice(from - request.length, from)',
        replace: 'rows.slice(0, request.length)',
      },
    ],
  },
  {
    name: 'a place that is not that of the rows',
    about: 'The place in the log and the rows are read by two commands.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: '? fetcher.fetch(keys, of)',
        replace:
          '? fetcher.fetch(keys.slice(0, placed.length), of).then(async (first) => [...first, ...(await fetcher.fetch(keys.slice(placed.length), of.slice(placed.length)))])',
      },
    ],
  },
  {
    name: 'a cache of any generation',
    about: 'What was read of one generation is answered after another has taken its place.',
    focus: 'caches',
    changes: [
      {
        file: `${SRC}/read/cache.ts`,
        find: 'return found.generations.every((each, place) => each === generations[place]) ? found : undefined;',
        replace: 'return found;',
      },
    ],
  },
  {
    name: 'a cache that never ages',
    about: 'What was read once is answered for ever.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/cache.ts`,
        find: 'found === undefined || found.asked < since',
        replace: 'found === undefined',
      },
    ],
  },
  {
    name: 'a cache that ages from the answer',
    about: 'The age of a cached row counts from when Redis has answered.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: 'asked: rows.asked[first] ?? 0,',
        replace: 'asked: this.#options.clock.now(),',
      },
    ],
  },
  {
    name: 'a cache that is fresh enough',
    about: 'Reads that want something fresher than the cache keeps are answered from it.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: 'Math.min(fresh ?? cached.cache.maxAge, cached.cache.maxAge)',
        replace: 'cached.cache.maxAge',
      },
    ],
  },
  {
    name: 'a cache of what is strict',
    about: 'Rows of a strict view are kept.',
    focus: 'readers',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: 'return stored !== undefined && !stored.strict && !view.strict;',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'an age that ends with the rows',
    about: 'How old an answer is, is said as of before the definition of a row was asked for.',
    focus: 'deploys',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: '    let unknown: Set<View> | undefined;\n    let fetched',
        replace:
          '    const begun = this.#options.clock.now();\n    let unknown: Set<View> | undefined;\n    let fetched',
      },
      {
        file: `${SRC}/read/reader.ts`,
        find: 'return finish(reasons, clock.now());',
        replace: 'return finish(reasons, begun);',
      },
    ],
  },
  {
    name: 'a pinned generation that ends',
    about: 'Generations end although somebody keeps them.',
    focus: 'pins',
    changes: [{ file: `${LUA}/retire.lua`, find: 'if kept then return kept end', replace: '' }],
  },
  {
    name: 'a pinned read of what is live',
    about: 'Reads that are given a pin answer from the generation that is read.',
    focus: 'pins',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: 'if (pin === undefined) return held;',
        replace: 'if (pin === undefined || held) return held;',
      },
    ],
  },
  {
    name: 'a pin that is read for ever',
    about: 'Reads that are given a pin are answered after its end.',
    focus: 'pins',
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: "if (pin === undefined || time < pin['~until']) return;",
        replace: 'if (pin === undefined || time) return;',
      },
    ],
  },
];
