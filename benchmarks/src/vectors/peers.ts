/**
 * The libraries that the index of vectors is measured beside.
 *
 * Guarantees: one that is not installed, or can be neither loaded nor compiled here, is told with the reason. hnswlib-node comes as
 * source: it is compiled once, with the headers of this Node, and nothing is downloaded for it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestOf } from '../versions.js';

export const require = createRequire(import.meta.url);

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** In ms; it takes some twenty seconds. */
const LONGEST = 300_000;

/** Whether it can be had, and what a report says of it. */
export function peerOf(name: string): { readonly isThere: boolean; readonly remark: string } {
  let reason = failureOf(name);
  if (reason !== undefined && name === 'hnswlib-node') reason = compiling(name) ?? failureOf(name);
  if (reason === undefined) return { isThere: true, remark: `${name} ${manifestOf(name).version}` };
  return { isThere: false, remark: `${name} is left out, because ${reason}.` };
}

/** Why it cannot be loaded; undefined if it can. */
function failureOf(name: string): string | undefined {
  try {
    require(name);
    return undefined;
  } catch (error) {
    return `it cannot be loaded (${(error as Error).message.split('\n')[0]})`;
  }
}

/** Why it cannot be compiled; undefined if it was. */
function compiling(name: string): string | undefined {
  const node = dirname(dirname(process.execPath));
  const headers = join(node, 'include', 'node');
  if (!existsSync(join(headers, 'node_api.h')))
    return `it is to be compiled, and Node has no headers in ${headers}`;
  const call = ['rebuild', name, '--ignore-scripts=false', `--nodedir=${node}`];
  const { status, stderr } = spawnSync('npm', call, { cwd: ROOT, encoding: 'utf8', timeout: LONGEST });
  if (status === 0) return undefined;
  return `\`npm ${call.join(' ')}\` did not compile it (${stderr?.trim().split('\n').at(-1) ?? 'npm cannot be run'})`;
}
