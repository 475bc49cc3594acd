/**
 * What may happen to the disk of one server with an append-only file.
 *
 * A full disk is a limit on how large its files may become (RLIMIT_FSIZE), which they have reached. With `appendfsync
 * everysec` Redis then refuses writes (MISCONF) until there is space again; with `always` it ends. A power failure that loses
 * what was not on the disk yet is a file that is cut where it ended some time before the server was killed.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalNode } from '@holdfast/local';

/** Returns what frees it, and starts the server if it has ended. */
export function fillDisk(node: LocalNode): () => Promise<void> {
  const sizes = logsOf(node).map((path) => statSync(path).size);
  limit(node, String(Math.max(0, ...sizes)));
  return async () => {
    if (node.state === 'stopped') await node.start();
    else limit(node, 'unlimited');
  };
}

/** Returns what takes away, from the files of a server that has ended, all that it has written since. */
export function rememberLog(node: LocalNode): () => void {
  const sizes = logsOf(node).map((path) => ({ path, size: statSync(path).size }));
  return () => {
    for (const { path, size } of sizes) truncateSync(path, size);
  };
}

function logsOf(node: LocalNode): readonly string[] {
  const folder = join(node.folder, 'appendonlydir');
  const names = readdirSync(folder).filter((name) => name.endsWith('.incr.aof'));
  return names.map((name) => join(folder, name));
}

function limit(node: LocalNode, size: string): void {
  execFileSync('prlimit', ['--pid', `${node.pid}`, `--fsize=${size}:unlimited`], { stdio: 'pipe' });
}
