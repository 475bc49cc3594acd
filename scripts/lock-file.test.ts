/** The lock file serves every system, so that npm ci takes it, and installs all that is imported and the linter. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Names = Readonly<Record<string, string>>;

interface Entry {
  readonly dependencies?: Names;
  readonly optionalDependencies?: Names;
}

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages }: { packages: Readonly<Record<string, Entry>> } = JSON.parse(text);

/** Whether a package is found from another's folder, as Node looks for it: there, and in every folder above. */
function isFound(name: string, from: string): boolean {
  for (let folder = from; ; folder = folder.replace(/\/?[^/]*$/, '')) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

it.each(['dependencies', 'optionalDependencies'] as const)('has the %s of each package', (kind) => {
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry[kind] ?? {})
      // npm leaves out an optional one that asks for a newer Node than this.
      .filter((name) => name !== 'redlock-universal' && !isFound(name, path))
      .map((name) => `${path} needs ${name}`),
  );
  expect(missing).toEqual([]);
});
