/**
 * A full disk, for one server: a limit on how large its files may become (RLIMIT_FSIZE), which they have reached.
 *
 * With `appendfsync everysec` Redis then refuses writes (MISCONF) until there is space again; with `always` it ends.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalNode } from '@holdfast/local';

/** Returns what frees it, and starts the server if it has ended. */
export function fillDisk(node: LocalNode): () => Promise<void> {
  const folder = join(node.folder, 'appendonlydir');
  const sizes = readdirSync(folder)
    .filter((name) => name.endsWith('.incr.aof'))
    .map((name) => statSync(join(folder, name)).size);
  limit(node, String(Math.max(0, ...sizes)));
  return async () => {
    if (node.state === 'stopped') await node.start();
    else limit(node, 'unlimited');
  };
}

function limit(node: LocalNode, size: string): void {
  execFileSync('prlimit', ['--pid', `${node.pid}`, `--fsize=${size}:unlimited`], { stdio: 'pipe' });
}
