/** What a release would change, worked out from the repository as it is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, publishedOf, WITH_VERSION } from './release/plan.mjs';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const manifests = execFileSync('git', ['ls-files', '*package.json'], { cwd: ROOT, encoding: 'utf8' })
  .trim()
  .split('\n');
const files = Object.fromEntries(
  [...manifests, 'CHANGELOG.md', ...WITH_VERSION].map((path) => [path, read(path)]),
);
const { version: from } = JSON.parse(read('package.json')) as { version: string };
const day = '2027-01-31';

it('gives every package, client and the chart the version, and the changelog its section', () => {
  const changed = planOf(files, { from, to: '97.0.0', day });
  for (const path of manifests) {
    expect(changed[path], path).not.toMatch(new RegExp(`"(version|@holdfast/\\w+|holdfast)": "${from}"`));
    // Nothing else: neither other versions nor the way it is written.
    expect(changed[path]?.replaceAll('97.0.0', from), path).toBe(read(path));
  }
  for (const path of WITH_VERSION) expect(changed[path], path).toContain('97.0.0');
  expect(changed['CHANGELOG.md']).toMatch(/^## Unreleased\n\n## 97\.0\.0 - 2027-01-31\n\n### /m);
});

it('refuses a version that is none or not later, and a release of nothing', () => {
  const plan =
    (to: string, more: Record<string, string> = {}) =>
    () =>
      planOf({ ...files, ...more }, { from, to, day });
  expect(plan('next')).toThrow(/such as 1\.2\.3/);
  expect(plan(from)).toThrow(/not later/);
  expect(plan('0.0.9')).toThrow(/not later/);
  expect(() => planOf({}, { from: '1.0.0-rc.2', to: '1.0.0-rc.1', day })).toThrow(/not later/);
  expect(planOf({}, { from: '1.0.0-rc.2', to: '1.0.0', day })).toEqual({});
  expect(plan('97.0.0', { 'CHANGELOG.md': '# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- A\n' })).toThrow(
    /nothing/,
  );
  const other = JSON.stringify({
    name: '@holdfast/x',
    version: from,
    dependencies: { '@holdfast/kernel': '9.9.9' },
  });
  expect(plan('97.0.0', { 'packages/x/package.json': other })).toThrow(/asks for @holdfast\/kernel 9\.9\.9/);
});

it('publishes what others need first, and nothing that needs what is private', () => {
  const a = { name: 'a', dependencies: { b: '1', zod: '4' } };
  expect(publishedOf([a, { name: 'b' }, { name: 'c', private: true }])).toEqual(['b', 'a']);
  expect(() => publishedOf([a, { name: 'b', private: true }])).toThrow(
    'a is published and needs b, which is private',
  );
});

it('publishes every package, each after what it needs', () => {
  const packages = manifests.filter((path) => /^packages\/[^/]+\/package\.json$/.test(path));
  const order = publishedOf(packages.map((path) => JSON.parse(read(path))));
  expect(order).toHaveLength(packages.length);
  expect(order.indexOf('holdfast')).toBeGreaterThan(order.indexOf('@holdfast/client'));
});

it('without a version, or outside of CI, it does nothing', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/release.mjs', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
  expect(run()).toMatchObject({ status: 1, stderr: expect.stringMatching(/Which version/) });
  expect(run('--publish')).toMatchObject({ status: 1, stderr: expect.stringMatching(/Only CI publishes/) });
});
