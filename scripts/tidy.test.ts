/** The repository keeps the rules of the house; and each rule catches what breaks it, and nothing that comes close. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from './tidy/broken.js';
import type { SourceFile } from './tidy/files.js';
import { RULES } from './tidy/rules.js';

const ROOT = join(import.meta.dirname, '..');

/** All that is tracked or about to be. A file that is not text counts as an empty one: it can be linked to. */
function readRepository(): SourceFile[] {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const paths = new Set(execFileSync('git', listed, { cwd: ROOT, encoding: 'utf8' }).split('\0'));
  return [...paths]
    .filter((path) => path !== '' && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile())
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text: text.includes('\0') ? '' : text };
    });
}

const repository = readRepository();

describe.each(Object.entries(RULES))('the rule on %s', (name, rule) => {
  it('is kept', () => {
    const found = rule(repository).map(({ path, line, message }) => `${path}:${line}: [${name}] ${message}`);
    expect(found.length, `\n${found.join('\n')}\n`).toBe(0);
  });

  const { broken, fine } = CASES[name as keyof typeof RULES];
  it.each(broken)('catches $what', ({ files }) => {
    expect(rule(files)).not.toEqual([]);
  });
  it.each(fine)('allows $what', ({ files }) => {
    expect(rule(files)).toEqual([]);
  });
});
