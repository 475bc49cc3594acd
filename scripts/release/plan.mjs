/**
 * What a release changes, worked out from the text of the files: one version for all packages, clients and the chart.
 *
 * Guarantees: nothing is read or written here. A release that cannot be made throws an error that says why.
 */

/** Files that have the version as text, beside the package.json of each workspace. */
export const WITH_VERSION = [
  'clients/python/pyproject.toml',
  'deploy/helm/holdfast/Chart.yaml',
  'deploy/kustomize/base/holdfast.yaml',
  'deploy/kustomize/overlays/shop/kustomization.yaml',
];

const CHANGES = 'CHANGELOG.md';
const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[a-z]+\.\d+)?$/;

/**
 * The new texts of the files that change, by their paths.
 *
 * @param {Readonly<Record<string, string>>} files by their paths: each package.json, CHANGELOG.md and WITH_VERSION.
 * @param {{ readonly from: string, readonly to: string, readonly day: string }} release
 * @returns {Record<string, string>}
 */
export function planOf(files, { from, to, day }) {
  requireLater(from, to);
  const changed = Object.entries(files).map(([path, text]) => {
    if (path === CHANGES) return [path, dated(text, to, day)];
    return [
      path,
      path.endsWith('package.json') ? bumped(path, text, { from, to }) : replaced(path, text, { from, to }),
    ];
  });
  return Object.fromEntries(changed);
}

/** Throws unless `to` is a later version than `from`. A version is later than its own candidates. */
function requireLater(from, to) {
  if (!VERSION.test(to)) throw new Error(`A version is such as 1.2.3 or 1.2.3-rc.1; got "${to}".`);
  const parts = (version) => VERSION.exec(version).slice(1, 4).map(Number);
  const order = parts(to)
    .map((part, index) => part - parts(from)[index])
    .find((difference) => difference !== 0);
  const candidate = (version) =>
    version.includes('-') ? Number(version.split('.').at(-1)) : Number.POSITIVE_INFINITY;
  const isLater = order === undefined ? candidate(to) > candidate(from) : order > 0;
  if (!isLater) throw new Error(`${to} is not later than ${from}, the version that the packages have.`);
}

/** The section of what is unreleased gets the version; a new one stands above it. */
function dated(text, version, day) {
  const [, body = ''] = /^## Unreleased\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(text) ?? [];
  if (!/^- /m.test(body))
    throw new Error(`${CHANGES} has nothing under "## Unreleased": there is nothing to release.`);
  return text.replace(/^## Unreleased\n/m, `## Unreleased\n\n## ${version} - ${day}\n`);
}

/** The version of a package, and those of ours that it asks for. */
function bumped(path, text, { from, to }) {
  const manifest = JSON.parse(text);
  const isOurs = (name) => name === 'holdfast' || name.startsWith('@holdfast/');
  for (const field of ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(manifest[field] ?? {})) {
      if (!isOurs(name)) continue;
      if (version !== from) throw new Error(`${path} asks for ${name} ${version}, and all are ${from}.`);
      manifest[field][name] = to;
    }
  }
  if (manifest.version !== undefined) manifest.version = to;
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function replaced(path, text, { from, to }) {
  const alone = new RegExp(`(?<![\\d.])${from.replaceAll('.', '\\.')}(?![\\d.])`, 'g');
  if (!alone.test(text)) throw new Error(`${path} does not have the version ${from}.`);
  return text.replaceAll(alone, to);
}

/**
 * The packages that are published, those that others need first.
 *
 * @param {readonly { readonly name: string, readonly private?: boolean, readonly dependencies?: Record<string, string> }[]} manifests
 * @returns {string[]} their names
 */
export function publishedOf(manifests) {
  const byName = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  const order = [];
  const visit = (name, asker) => {
    const manifest = byName.get(name);
    if (manifest === undefined || order.includes(name)) return;
    if (manifest.private) throw new Error(`${asker} is published and needs ${name}, which is private.`);
    for (const needed of Object.keys(manifest.dependencies ?? {})) visit(needed, name);
    order.push(name);
  };
  for (const { name, private: isPrivate } of manifests) if (!isPrivate) visit(name, name);
  return order;
}
