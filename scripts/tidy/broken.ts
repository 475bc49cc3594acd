/**
 * For each rule, small files that break it, and files that come close and do not.
 */
import type { SourceFile } from './files.js';
import type { RULES } from './rules.js';

interface Case {
  readonly what: string;
  readonly files: readonly SourceFile[];
}

interface Cases {
  readonly broken: readonly Case[];
  readonly fine: readonly Case[];
}

const LOCK = 'packages/lock/src/x.ts';
const GET = 'packages/lock/lua/get.lua';
const source = (what: string, text: string, path = LOCK): Case => ({ what, files: [{ path, text }] });
const verb = (what: string, text: string): Case => source(what, text, GET);
const manifest = (what: string, fields: object, path = 'packages/lock/package.json'): Case =>
  source(what, JSON.stringify(fields), path);

const readme = (
  what: string,
  sample: string,
  { marker = 'examples/src/a.ts', test = "run('a.ts')" } = {},
): Case => ({
  what,
  files: [
    { path: 'package.json', text: '{}' },
    {
      path: 'README.md',
      text: `# X\n${marker && `<!-- example: ${marker} -->\n`}\`\`\`ts\n${sample}\n\`\`\`\n`,
    },
    { path: 'examples/src/a.ts', text: '// #region readme\n\nx(\n  1,\n);\n// #endregion readme\n' },
    { path: 'examples/test/a.test.ts', text: test },
  ],
});

const coded = (code: string): string => `class E { readonly code = 'HOLDFAST_${code}'; }`;

const catalogue = (what: string, headings: string, ...codes: string[]): Case => ({
  what,
  files: [
    { path: 'packages/kernel/src/errors.ts', text: coded('X') },
    ...codes.map((code) => ({ path: 'packages/queue/src/errors.ts', text: coded(code) })),
    { path: 'docs/ERRORS.md', text: headings },
  ],
});

const scripted = (what: string, text: string): Case => ({
  what,
  files: [
    { path: 'package.json', text: '{"scripts":{"start":"x","docs":"x"}}' },
    { path: 'docs/x.md', text },
  ],
});

const linked = (what: string, text: string): Case => ({
  what,
  files: [
    { path: 'docs/x.md', text },
    { path: 'docs/adr/0001.md', text: '' },
  ],
});

const TIME = "-- Prelude of all.\nlocal now = redis.call('TIME')";

/** Lua files of one package by their names, and the names of its keyspace. */
const scripts = (
  what: string,
  texts: Readonly<Record<string, string>>,
  keys: readonly string[] = [],
): Case => ({
  what,
  files: [
    ...Object.entries(texts).map(([name, text]) => ({ path: `packages/lock/lua/${name}.lua`, text })),
    { path: 'packages/lock/src/keys.ts', text: keys.map((key) => `  '${key}',\n`).join('') },
  ],
});

/** The same with a prelude of all packages that takes META. */
const shared = (what: string, keys: readonly string[]): Case => {
  const { files } = scripts(
    what,
    { get: "-- get: reads.\n--\n-- Stands on: redis/x\nreturn {'got', x}" },
    keys,
  );
  const text = "-- Prelude of all.\n--\n-- Names keys: META\nlocal x = redis.call('GET', META)";
  return { what, files: [...files, { path: 'packages/redis/lua/x.lua', text }] };
};

const circle = (what: string, texts: Readonly<Record<string, string>>): Case => ({
  what,
  files: Object.entries(texts).map(([name, text]) => ({ path: `packages/lock/src/${name}.ts`, text })),
});

const code = (lines: number): string => `${'f();\n'.repeat(lines)}`;

export const CASES: Record<keyof typeof RULES, Cases> = {
  layers: {
    broken: [
      source('a sibling', "import { x } from '@holdfast/queue';"),
      source('an upper package', "export { x } from 'holdfast';"),
      source('a type of it', "type X = import('@holdfast/local').X;"),
      source('a dynamic import', "await import('@holdfast/workflow');"),
      source('double quotes', 'import "@holdfast/local";'),
      source('local and redis', "import '@holdfast/redis';", 'packages/local/src/x.ts'),
      source('a library in the kernel', "import 'ioredis';", 'packages/kernel/src/x.ts'),
      source('the inside of a package', "import '@holdfast/lock/src/votes.js';", 'examples/src/x.ts'),
      source('a way into it', "import '../../packages/lock/src/votes.js';", 'benchmarks/src/x.ts'),
      source('the source of another package', "import '../../fence/src/guard.js';"),
      source('a package without a layer', "import '@holdfast/kernel';", 'packages/new/src/x.ts'),
      manifest('a dependency', { dependencies: { '@holdfast/local': '1' } }),
      manifest('a peer', { peerDependencies: { holdfast: '1' } }),
    ],
    fine: [
      source(
        'downward',
        "import '@holdfast/fence/redis'; import 'node:fs'; import './y.js'; import 'ioredis';",
      ),
      source('words', "// import '@holdfast/local'\nconst text = \"from '@holdfast/local'\";"),
      source('a folder of the same source', "import '../x.js';", 'packages/fence/src/redis/y.ts'),
      manifest('for its tests', { devDependencies: { '@holdfast/local': '1' } }),
    ],
  },
  circles: {
    broken: [
      circle('two files', { x: "import { y } from './y.js';", y: "import { x } from './x.js';" }),
      circle('a type', { x: "import type { Y } from './y.js';", y: "export { x } from './x.js';" }),
      circle('three files', {
        x: "import './y.js';",
        y: "import './z.js';",
        z: "import './x.js';",
      }),
    ],
    fine: [circle('one way', { x: "import './y.js'; import './z.js';", y: "import './z.js';", z: '' })],
  },
  lua: {
    broken: [
      verb('no header', "return {'got'}"),
      verb('another name', "-- put: reads.\nreturn {'got'}"),
      verb('an unnamed key', "-- get: reads.\nreturn {'got', redis.call('GET', KEYS[1])}"),
      verb('an unnamed argument', "-- get: reads.\n-- ARGV[11] it\nreturn {'got', ARGV[1]}"),
      verb('named below the header', "-- get: reads.\nlocal x = KEYS[1] -- KEYS[1]\nreturn {'got'}"),
      verb('a computed key', "-- get: reads.\nreturn {'got', KEYS[2 * i]}"),
      verb('too long', `-- get: reads.\n${'local x\n'.repeat(60)}`),
      verb('a number', '-- get: reads.\nreturn -1'),
      verb('a number in a table', '-- get: reads.\nreturn { 0, x }'),
      verb('no word', '-- get: reads.\nreturn {x}'),
      verb('upper case', "-- get: reads.\nlocal reply = {'Got'}"),
      verb('upper case in a line', "-- get: reads.\nreturn 'Got ' .. x"),
      verb('KEYS', "-- get: reads.\nredis.call('KEYS', '*')"),
    ],
    fine: [
      verb(
        'named',
        "-- get: reads.\n-- KEYS[1] it\nlocal x = {}\nreturn {'got', redis.call('GET', KEYS[1])}",
      ),
      verb('each', "-- get: reads.\n--\n-- then, for each operation: KEYS it\nreturn 'got ' .. KEYS[i]"),
      verb('a prelude', '-- Prelude of all.\nlocal function now() return time end'),
    ],
  },
  preludes: {
    broken: [
      scripts('a global', { get: "-- get: reads.\nreturn {'got', now}" }),
      scripts('a name that it does not stand on', { get: "-- get: reads.\nreturn {'got', now}", time: TIME }),
      scripts('a prelude that is not there', {
        get: "-- get: reads.\n--\n-- Stands on: time\nreturn {'got', 1}",
      }),
      scripts('a prelude of which it uses nothing', {
        get: "-- get: reads.\n--\n-- Stands on: time\nreturn {'got', 1}",
        time: TIME,
      }),
      scripts('a circle', {
        a: '-- Prelude of all.\n--\n-- Stands on: b\nlocal x = y',
        b: '-- Prelude of all.\n--\n-- Stands on: a\nlocal y = x',
      }),
      scripts('a key that is not in the keyspace', { get: "-- get: reads.\nreturn {'got', DEAD}" }, ['meta']),
      shared('a key that a shared prelude takes and the keyspace lacks', ['dead']),
    ],
    fine: [
      scripts('what it stands on', {
        get: "-- get: reads.\n--\n-- Stands on: time\nreturn {'got', now}",
        time: TIME,
      }),
      scripts('through another', {
        get: "-- get: reads.\n--\n-- Stands on: more\nreturn {'got', now + later}",
        more: '-- Prelude of all.\n--\n-- Stands on: time\nlocal later = now + 1',
        time: TIME,
      }),
      scripts('a constant of the client', {
        get: "-- get: reads.\n--\n-- Opens with: WINDOW\nreturn {'got', WINDOW}",
      }),
      shared('a key that a shared prelude takes', ['meta']),
      scripts('a key', { get: "-- get: reads.\nreturn {'got', META}" }, ['meta']),
    ],
  },
  budgets: {
    broken: [
      source('a long file', code(401)),
      source('a long function', `function f() {\n${code(69)}}`),
      source('a long closure', `const f = () => {\n${code(69)}};`, 'scripts/x.mjs'),
      source('five parameters', 'class C { m(a, b, c, d, e) {} }', 'examples/src/x.ts'),
    ],
    fine: [
      source('just short enough', `function f() {\n${code(68)}}\n${code(330)}`),
      source('a long comment', `/**\n${' * why\n'.repeat(400)} */\n\n// why\n${code(300)}`),
      source('four parameters', 'function f(a, b, c, d) {}'),
      source('a test', code(401), 'packages/lock/test/x.test.ts'),
    ],
  },
  'time and chance': {
    broken: [
      source('Date.now', 'const now = Date.now();'),
      source('passed on', 'const clock = { now: performance.now };'),
      source('global', 'globalThis.Date.now(); '),
      source('a global timer', 'globalThis.setTimeout(f);'),
      source('new Date', 'const now = new Date();'),
      source('new Date without parentheses', 'const now = new Date;'),
      source('a timer', 'setTimeout(f, 1);'),
      source('a timer passed on', 'const timers = { setInterval };'),
      source('an immediate', 'const later = setImmediate;'),
      source('chance', "Math['random']();"),
      source('hrtime', 'process.hrtime.bigint();'),
      source('node:timers', "import { setTimeout as sleep } from 'node:timers/promises';"),
      source('timers, later', "await import('timers');"),
    ],
    fine: [
      source('the kernel', 'Date.now();', 'packages/kernel/src/clock.ts'),
      source('an example', 'Date.now();', 'examples/src/x.ts'),
      source('a time that is given', 'new Date(0); clock.now(); clock.setTimeout(f, 1);'),
      source('words', "// Date.now()\nconst text = 'setTimeout(Math.random)';"),
      source('a type', 'let timer: ReturnType<typeof setTimeout>; interface T { setTimeout(f: F): void }'),
    ],
  },
  drawers: {
    broken: [
      source('a file', '', 'packages/lock/src/utils.ts'),
      source('a test', '', 'packages/lock/test/helpers.test.ts'),
      source('a folder', '', 'docs/misc/x.md'),
    ],
    fine: [source('a longer word', '', 'packages/lock/src/library-utilities.ts')],
  },
  'file headers': {
    broken: [
      source('none', 'export const x = 1;'),
      source('a plain comment', '// x\nexport const x = 1;', 'benchmarks/src/x.ts'),
    ],
    fine: [source('one', '/** x */'), source('after a shebang', '#!/usr/bin/env node\n/** x */')],
  },
  'error catalogue': {
    broken: [
      catalogue('one is missing', '## HOLDFAST_X', 'Y'),
      catalogue('one too many', '## HOLDFAST_X\n## HOLDFAST_Y\n## HOLDFAST_Z', 'Y'),
      catalogue('one of two packages', '## HOLDFAST_X', 'X'),
    ],
    fine: [catalogue('the same', '# Errors\n## HOLDFAST_Y\n\n## HOLDFAST_X\n', 'Y')],
  },
  commands: {
    broken: [scripted('npm run', 'Type `npm run nothing`.'), scripted('npm test', '```sh\nnpm test\n```')],
    fine: [scripted('both', '`npm start -- --help`, `npm run docs`, `npm install`')],
  },
  links: {
    broken: [
      linked('nowhere', '[there](nowhere.md)'),
      linked('with an anchor', 'x [there](../adr/0001.md#why)'),
      linked('by reference', '[there]: nowhere.md'),
    ],
    fine: [
      linked(
        'all kinds',
        '[a](adr/0001.md#why) [b](adr/) [c](#here) [d](https://example.org/x) [e](../docs)',
      ),
      linked('code', '`[x](y)`\n```ts\nnodes[0](x);\n```\n'),
    ],
  },
  samples: {
    broken: [
      readme('another sample', 'y();'),
      readme('another space', 'x(\n   1,\n);'),
      readme('without its origin', 'x(\n  1,\n);', { marker: '' }),
      readme('a file that is not there', 'x(\n  1,\n);', { marker: 'examples/src/b.ts' }),
      readme('a file that no test runs', 'x(\n  1,\n);', { test: '' }),
      manifest('no README', {}),
      {
        what: 'no sample',
        files: [...manifest('', {}).files, { path: 'packages/lock/README.md', text: '# X' }],
      },
    ],
    fine: [
      readme('the same', 'x(\n  1,\n);'),
      {
        what: 'an internal package',
        files: [
          { path: 'packages/kernel/package.json', text: '{}' },
          { path: 'packages/kernel/README.md', text: '# X' },
        ],
      },
    ],
  },
  'machine paths': {
    broken: ['home/somebody', 'Users/somebody/x', 'work/x', 'root/.npmrc'].map((path) =>
      source(`of ${path}`, `see (/${path})`, 'docs/x.md'),
    ),
    fine: ['https://example.org', '.', '~'].map((before) =>
      source(`behind ${before}`, `see ${before}/${'work'}/x`, 'docs/x.md'),
    ),
  },
};
