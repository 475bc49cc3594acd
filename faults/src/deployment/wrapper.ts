/**
 * Starts servers so that their disks can be filled and their clocks shifted: through a small shell script in front.
 *
 * The script ignores SIGXFSZ, so that a server whose files may not grow gets an error for it, as from a full disk.
 * Where clocks are asked for, it preloads native/clock.c, which is compiled here. Guarantees: each clock is that of its
 * node, over restarts too. Without a C compiler there are no clocks.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer } from '@holdfast/local';

/** The shifts of the nodes' wall clocks. */
export interface Clocks {
  /** Shifts a node's clock by so many ms more. */
  shift(node: number, by: number): void;
  /** Sets all clocks right. Only while nobody relies on a lease. */
  reset(): void;
}

export interface Wrapper {
  /** The program to start instead of the server. */
  readonly server: string;
  readonly clocks: Clocks | undefined;
  remove(): void;
}

const SOURCE = fileURLToPath(new URL('../../native/clock.c', import.meta.url));

export function wrapServer(nodes: number, withClocks: boolean): Wrapper {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  const clocks = withClocks && compile(folder) ? new ShiftedClocks(folder, nodes) : undefined;
  const preload = clocks
    ? `export LD_PRELOAD='${join(folder, 'clock.so')}' FAULTS_CLOCK='${folder}/'"\${place##*/}"`
    : '';
  const script = `#!/bin/sh
trap '' XFSZ
for argument; do
  [ "$before" = --dir ] && place=$argument
  before=$argument
done
${preload}
exec '${findServer()}' "$@"
`;
  const server = join(folder, 'server');
  writeFileSync(server, script, { mode: 0o755 });
  return { server, clocks, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** While `start` runs, servers are started through the wrapper. */
export async function through<T>(wrapper: Wrapper, start: () => Promise<T>): Promise<T> {
  const before = process.env['HOLDFAST_REDIS_SERVER'];
  process.env['HOLDFAST_REDIS_SERVER'] = wrapper.server;
  try {
    return await start();
  } finally {
    if (before === undefined) delete process.env['HOLDFAST_REDIS_SERVER'];
    else process.env['HOLDFAST_REDIS_SERVER'] = before;
  }
}

function compile(folder: string): boolean {
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', join(folder, 'clock.so'), SOURCE], {
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    console.error(`No clock will be shifted, because no C compiler works: ${error}`);
    return false;
  }
}

class ShiftedClocks implements Clocks {
  readonly #files: readonly string[];
  readonly #shifts: number[];

  /** The name of a node's file is that of its folder. */
  constructor(folder: string, nodes: number) {
    this.#files = Array.from({ length: nodes }, (_, index) => join(folder, `node-${index + 1}`));
    this.#shifts = this.#files.map(() => 0);
    for (const file of this.#files) writeFileSync(file, Buffer.alloc(8));
  }

  shift(node: number, by: number): void {
    this.#set(node, (this.#shifts[node] ?? 0) + by);
  }

  reset(): void {
    for (const node of this.#files.keys()) this.#set(node, 0);
  }

  #set(node: number, shift: number): void {
    this.#shifts[node] = shift;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(shift * 1_000)));
    const file = openSync(this.#files[node] as string, 'r+');
    writeSync(file, bytes, 0, 8, 0); // in one step: the servers read it at any moment
    closeSync(file);
  }
}
