/**
 * The version of an installed package, read from its own package.json when the benchmark runs.
 *
 * Guarantees: it is the package that an import here would find. Throws if it is not installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The parts of a package.json that this file needs. */
export interface Manifest {
  readonly version: string;
  readonly engines?: { readonly node?: string };
}

/** Does not go through `exports`, which need not offer the package.json. */
export function manifestOf(name: string): Manifest {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`The package ${name} is not installed; run npm install.`);
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
