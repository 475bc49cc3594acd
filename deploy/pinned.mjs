/**
 * Prints a package.json by which npm installs the versions that a lock file names, and no others, beside packages that are
 * not in it: the tarballs of an image. It also names the optional libraries of
 * the server, so that the image has them. `node pinned.mjs package-lock.json > package.json`.
 *
 * Guarantees: every package that the lock file has once, at the top, is pinned. Packages of this repository are not: they
 * come from their tarballs.
 */
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const overrides = {};
for (const [path, { version, link }] of Object.entries(packages)) {
  const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
  if (name && version && !link) overrides[name] = version;
}
/** What the server loads where it is asked to, and does not bring. */
const dependencies = Object.fromEntries(
  Object.keys(packages['packages/server'].peerDependencies).map((name) => [name, overrides[name]]),
);
console.log(JSON.stringify({ private: true, dependencies, overrides }, null, 2));
