/** Mistakes in how a feature store copies the rows of a lane into another generation. */
import type { Canary } from './canary.js';

const COPIED = 'packages/features/src/generation/copied.ts';

export const COPY_CANARIES: readonly Canary[] = [
  {
    name: 'a copy that is cut to too early',
    about: 'A copy counts as caught up once it has looked through the rows that there are.',
    focus: 'copies',
    changes: [
      {
        file: COPIED,
        find: 'if (compareOffsets(taken, [at, 0]) >= 0) return [];',
        replace: 'if (taken) return [];',
      },
    ],
  },
  {
    name: 'a copy that goes on from its end',
    about:
      'What lands while a copy looks through the rows that there are is read neither there nor in the log.',
    focus: 'copies',
    changes: [
      {
        file: COPIED,
        find: '    yield { records: [], through: [place, ALL_FOUND] };\n    return [place, ALL_FOUND];',
        replace:
          '    const { last: end } = await browse(partition, END, 1);\n    yield { records: [], through: [end, ALL_FOUND] };\n    return [end, ALL_FOUND];',
      },
    ],
  },
  {
    name: 'a copy that passes over what was trimmed',
    about: 'A copy whose log was trimmed further than it has read goes on with what the log still has.',
    focus: 'copies',
    changes: [
      {
        file: COPIED,
        find: 'if (page.trimmed !== undefined && page.trimmed.through > place) return through;',
        replace: '',
      },
    ],
  },
  {
    name: 'a copy of nothing',
    about: 'A copy begins with what is accepted from now on.',
    focus: 'copies',
    changes: [
      {
        file: COPIED,
        find: 'if (row === null || !isWanted(row)) continue;',
        replace: 'if (row === null || isWanted(row)) continue;',
      },
    ],
  },
];
