/**
 * An earlier commit of this repository, built beside this one.
 *
 * Guarantees: the working tree is not touched; the checkout is removed by `close`. It finds the packages of others that
 * are installed now, and its own packages instead of ours. A commit that does not build rejects with what was printed.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The packages that are measured, with everything that they stand on. */
const BUILT = ['packages/lock', 'packages/queue'];

export interface Checkout {
  readonly folder: string;
  /** In full. */
  readonly commit: string;
  close(): Promise<void>;
}

/** Throws an Error for a commit that does not exist or does not build. */
export async function checkOut(revision: string): Promise<Checkout> {
  const commit = call('git', ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`], ROOT);
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-versus-'));
  const folder = join(parent, 'checkout');
  const close = async (): Promise<void> => {
    call('git', ['worktree', 'remove', '--force', folder], ROOT);
    await rm(parent, { recursive: true, force: true });
  };
  try {
    call('git', ['worktree', 'add', '--detach', folder, commit], ROOT);
    await linkModules(folder);
    call(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', ...BUILT], folder);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return { folder, commit, close };
}

/** All that is installed here, but for the packages of this repository, which are those of the checkout. */
async function linkModules(folder: string): Promise<void> {
  const [from, to] = [join(ROOT, 'node_modules'), join(folder, 'node_modules')];
  await mkdir(join(to, '@holdfast'), { recursive: true });
  const names = (await readdir(from)).filter((name) => name !== '@holdfast' && name !== '.cache');
  await Promise.all(names.map((name) => symlink(join(from, name), join(to, name))));
  const packages = await readdir(join(folder, 'packages'));
  await Promise.all(
    packages.map((name) => symlink(join(folder, 'packages', name), join(to, '@holdfast', name))),
  );
}

function call(program: string, args: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  throw new Error(
    `${program} ${args.join(' ')} failed: ${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`,
  );
}
