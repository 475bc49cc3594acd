/** Mistakes in how a feature store's logs become files. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const OFFLINE = 'packages/features/src/offline';

export const EXPORT_CANARIES: readonly Canary[] = [
  {
    name: 'a log that is trimmed before its files are named',
    about: 'An exporter trims what no manifest names yet.',
    focus: 'exporters',
    changes: [
      {
        file: `${OFFLINE}/exporter.ts`,
        find: '        if (!(await this.#right.make(next))) {',
        replace: '        await this.#trim(partition, part);\n        if (!(await this.#right.make(next))) {',
      },
    ],
  },
  {
    name: 'a log that anybody claims',
    about: 'An exporter that was replaced takes the log back.',
    focus: 'exporters',
    changes: [
      {
        file: `${LUA}/claim.lua`,
        find: "if seen and tonumber(token) < tonumber(seen) then return {'stale', found[1]} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a log that anybody trims',
    about: 'An exporter that was replaced trims what the other one is about to export.',
    focus: 'exporters',
    changes: [
      {
        file: `${LUA}/trim.lua`,
        find: "if found[1] ~= token .. ' ' .. issuer then return {'stale', found[1] or ''} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a manifest in the place of another',
    about: 'Of two exporters that make a manifest of one number, the later one counts.',
    focus: 'exporters',
    changes: [
      {
        file: `${OFFLINE}/manifest.ts`,
        find: '    await link(aside, join(folder, name));',
        replace:
          "    if (name !== 'store.json') await unlink(join(folder, name)).catch(ifMissing);\n    await link(aside, join(folder, name));",
      },
    ],
  },
  {
    name: 'entries that are exported twice',
    about: 'What was exported before the server forgot something is exported once more.',
    focus: 'exporters',
    changes: [
      {
        file: `${OFFLINE}/exporter.ts`,
        find: '        if (place <= throughOf(epoch)) continue;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'erased rows that are exported',
    about: 'The rows of an erased entity go into files.',
    focus: 'removals',
    changes: [
      {
        file: `${OFFLINE}/exporter.ts`,
        find: 'const kept = group.filter((row) => !isErased(row));',
        replace: 'const kept = group.filter((row) => isErased(row) || row);',
      },
    ],
  },
  {
    name: 'replaced files that stay named',
    about: 'A manifest names files and those that were made of them.',
    focus: 'exporters',
    changes: [
      {
        file: `${OFFLINE}/compact.ts`,
        find: 'const kept = manifest.files.filter((file) => !old.has(file));',
        replace: 'const kept = manifest.files;',
      },
    ],
  },
  {
    name: 'leftovers that stay',
    about: 'What exporters have left that were replaced or have died is never deleted.',
    focus: 'exporters',
    changes: [
      {
        file: `${OFFLINE}/compact.ts`,
        find: 'if (!isOurs || named.has(path)) continue;',
        replace: 'if (isOurs || named.has(path)) continue;',
      },
      {
        file: `${OFFLINE}/right.ts`,
        find: 'for (const path of placed.filter((each) => !named.has(each))) {',
        replace: 'for (const path of placed.filter((each) => named.has(each) && !each)) {',
      },
    ],
  },
];
