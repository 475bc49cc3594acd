/** Mistakes in what a feature store answers: schemas, and times to live. */
import type { Canary } from './canary.js';

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
    changes: [
      {
        file: `${SRC}/read/reader.ts`,
        find: "    if (stored === undefined || decoded === 'unknown') return",
        replace:
          "    if (decoded === 'unknown') return nothing(view, 'torn');\n    if (stored === undefined) return",
      },
    ],
  },
  {
    name: 'a value past its time',
    about: 'Rows are served although their TTL has passed.',
    changes: [
      { file: `${SRC}/read/reader.ts`, find: 'now - time >= ttl * 1_000', replace: 'now - time < 0' },
    ],
  },
];
