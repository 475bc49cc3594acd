/** The repository keeps the rules of the house; and each rule does catch what it is for. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RULES, type SourceFile } from './rules.js';

const TEXT = /\.(ts|mjs|js|json|lua|md|sh|yml|yaml)$|^\.ci\/run$/;
const files: SourceFile[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => TEXT.test(path) || path === 'LICENSE')
  .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

const src = (text: string, path = 'packages/lock/src/x.ts'): SourceFile[] => [{ path, text }];

/** For each rule, files that break it. */
const BROKEN: Record<keyof typeof RULES, SourceFile[]> = {
  layers: src("import { x } from '@holdfast/local';"),
  luaHeaders: src('-- get: reads.\nreturn redis.call("GET", KEYS[1])', 'packages/lock/lua/get.lua'),
  budgets: src(`function f() {\n${'  g();\n'.repeat(71)}}`),
  bannedCalls: src('const now = Date.now();'),
  drawers: src('', 'packages/lock/src/utils.ts'),
  fileHeaders: src('export const x = 1;'),
  errorCatalogue: src("ERROR_CODES = ['HOLDFAST_X']", 'packages/kernel/src/errors.ts'),
  samples: [
    { path: 'README.md', text: '<!-- example: examples/src/a.ts -->\n```ts\nx();\n```' },
    { path: 'examples/src/a.ts', text: '// #region readme\ny();\n// #endregion readme' },
  ],
  links: src('[there](nowhere.md), `npm run nothing`', 'docs/x.md'),
  machinePaths: src('see /home/somebody/x', 'docs/x.md'),
};

describe.each(Object.keys(BROKEN) as (keyof typeof RULES)[])('the rule on %s', (name) => {
  it('is kept', () => {
    expect(RULES[name](files)).toEqual([]);
  });
  it('catches what breaks it', () => {
    expect(RULES[name](BROKEN[name])).not.toEqual([]);
  });
});
