/**
 * From a verb to the Lua files that make up its script: the preludes that it stands on, then the verb.
 *
 * A Lua file names its preludes in its header, on one line: `-- Stands on: queue, redis/server`. A plain name is a file
 * of the same folder; `redis/<name>` is one that all packages share, in this package's own folder.
 *
 * Guarantees: each file appears once, after all files that it stands on. A name without a file, and files that stand on
 * each other, throw an Error that names them; the tidy rules find both before anybody runs them.
 */
import { readFileSync } from 'node:fs';

/** The preludes that all packages share. */
const SHARED = new URL('../lua/', import.meta.url);

const files = new Map<string, string>();

/** The text of a Lua file, which is read once. */
export function readLua({ href }: URL): string {
  const known = files.get(href);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(href), 'utf8');
  files.set(href, text);
  return text;
}

/** The files of a verb in the order in which they are joined. `folder` ends with a slash. */
export function filesOf(folder: URL, verb: string): readonly URL[] {
  const found = new Map<string, URL>();
  const visit = (url: URL, way: readonly string[]): void => {
    if (way.includes(url.href)) throw new Error(`${url.pathname} stands on itself.`);
    if (found.has(url.href)) return;
    for (const name of standsOn(readLua(url))) visit(fileOf(new URL('./', url), name), [...way, url.href]);
    found.set(url.href, url);
  };
  visit(fileOf(folder, verb), []);
  return [...found.values()];
}

/** The names in the header of a Lua file. */
function standsOn(text: string): readonly string[] {
  const [, names = ''] = /^-- Stands on: (.+)$/m.exec(text) ?? [];
  return names.split(',').flatMap((name) => name.trim() || []);
}

function fileOf(folder: URL, name: string): URL {
  return name.startsWith('redis/') ? new URL(`${name.slice(6)}.lua`, SHARED) : new URL(`${name}.lua`, folder);
}
