/** The lock file serves every system, so that npm ci takes it and installs the linter everywhere. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Packages = Readonly<
  Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> | undefined }>
>;

it('has each optional package of each package', () => {
  const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
  const { packages }: { packages: Packages } = JSON.parse(text);
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});
