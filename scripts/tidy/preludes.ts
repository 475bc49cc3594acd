/**
 * A Lua file stands on exactly those preludes whose locals it uses, and uses no global that nobody defines.
 *
 * What a client opens a library with is named in a header: `-- Opens with: RUN_ID, SERVER`. The locals of a package's
 * keyspace are those of its src/keys.ts; a prelude that all packages share names in a header which of them it takes from
 * whoever stands on it: `-- Names keys: META`.
 */
import luaparse from 'luaparse';
import { packageOf, type Rule, type SourceFile, type Violation } from './files.js';

/** What Redis gives to every script. */
const OF_REDIS = new Set([
  ...['redis', 'cjson', 'cmsgpack', 'struct', 'bit', 'KEYS', 'ARGV'],
  ...['string', 'table', 'math', 'tonumber', 'tostring', 'type', 'unpack', 'select', 'next'],
  ...['ipairs', 'pairs', 'error', 'pcall', 'assert'],
]);

interface LuaFile {
  readonly file: SourceFile;
  /** Names of the files that it says it stands on, as paths. */
  readonly standsOn: readonly string[];
  /** The locals that it gives to those that stand on it. */
  readonly gives: ReadonlySet<string>;
  /** The names that it uses and does not define. */
  readonly uses: ReadonlySet<string>;
  /** The locals of a keyspace that whoever stands on it must have. */
  readonly namesKeys: readonly string[];
  /** Whether it does something itself, so that others may stand on it for that. */
  readonly acts: boolean;
}

export const preludes: Rule = (files) => {
  const lua = new Map(
    files
      .filter(({ path }) => /^packages\/[^/]+\/lua\/.*\.lua$/.test(path))
      .map((file) => [file.path, read(file)]),
  );
  const keys = new Map(files.filter(({ path }) => /^packages\/[^/]+\/src\/keys\.ts$/.test(path)).map(keysOf));
  return [...lua.values()].flatMap((one) => judge(one, lua, keys.get(packageOf(one.file)) ?? new Set()));
};

/** The locals that are generated from a package's keyspace (redis/src/keyspace.ts). */
function keysOf(file: SourceFile): [string | undefined, ReadonlySet<string>] {
  const names = [...file.text.matchAll(/^ +'([a-z_]+)',$|arrays: \{ ([a-z_]+):/gm)].flatMap(
    (found) => found[1] ?? found[2] ?? [],
  );
  const locals = names.map((name) => name.toUpperCase());
  return [packageOf(file), new Set([...locals, 'use', 'THINGS'])];
}

function read(file: SourceFile): LuaFile {
  const ast = luaparse.parse(file.text, { luaVersion: '5.1', scope: true });
  const gives = new Set<string>();
  for (const statement of ast.body) {
    if (statement.type === 'LocalStatement') for (const { name } of statement.variables) gives.add(name);
    if (statement.type === 'FunctionDeclaration' && statement.isLocal) {
      const { identifier } = statement;
      if (identifier?.type === 'Identifier') gives.add(identifier.name);
    }
  }
  for (const name of listed(file.text, 'Opens with')) gives.add(name);
  const globals = (ast as unknown as { globals: { name: string }[] }).globals.map(({ name }) => name);
  const folder = file.path.replace(/[^/]*$/, '');
  return {
    file,
    standsOn: listed(file.text, 'Stands on').map((name) =>
      name.startsWith('redis/') ? `packages/redis/lua/${name.slice(6)}.lua` : `${folder}${name}.lua`,
    ),
    gives,
    uses: new Set(globals.filter((name) => !OF_REDIS.has(name) && !gives.has(name))),
    namesKeys: listed(file.text, 'Names keys'),
    acts: ast.body.some(({ type }) => type !== 'LocalStatement' && type !== 'FunctionDeclaration'),
  };
}

const listed = (text: string, what: string): string[] =>
  (new RegExp(`^-- ${what}: (.+)$`, 'm').exec(text)?.[1] ?? '')
    .split(',')
    .flatMap((name) => name.trim() || []);

function judge(one: LuaFile, all: ReadonlyMap<string, LuaFile>, keys: ReadonlySet<string>): Violation[] {
  const { file, standsOn, uses } = one;
  const violation = (message: string): Violation => ({ path: file.path, line: 1, message });
  const missing = standsOn.filter((path) => !all.has(path));
  if (missing.length > 0) return [violation(`stands on ${missing.join(', ')}, which does not exist`)];
  const below = everythingBelow(one, all);
  if (below.has(file.path))
    return [violation('stands on itself; move what both need into a prelude of its own')];
  const given = new Set([...below].flatMap((path) => [...(all.get(path)?.gives ?? [])]));
  const isShared = packageOf(file) === 'redis';
  const wanted = isShared ? [] : [...below].flatMap((path) => all.get(path)?.namesKeys ?? []);
  const known = new Set([...given, ...keys, ...one.namesKeys]);
  const undefinedNames = [...new Set([...uses, ...wanted])].filter((name) => !known.has(name));
  const isIdle = (path: string): boolean => {
    const { gives, acts } = all.get(path) as LuaFile;
    return !acts && ![...gives].some((name) => uses.has(name));
  };
  const idle = standsOn.filter(isIdle);
  return [
    ...undefinedNames.map((name) =>
      violation(
        `uses ${name}, which nothing that it stands on defines; name the prelude in "-- Stands on: ..."`,
      ),
    ),
    ...idle.map((path) => violation(`stands on ${path} and uses nothing of it`)),
  ];
}

function everythingBelow({ standsOn }: LuaFile, all: ReadonlyMap<string, LuaFile>): ReadonlySet<string> {
  const found = new Set(standsOn);
  for (const path of found) for (const next of all.get(path)?.standsOn ?? []) found.add(next);
  return found;
}
