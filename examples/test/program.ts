/**
 * Runs an example as its users do, in a process of its own, or a series of them in one process; sees that nothing of them
 * is left.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The whole check has built everything just before, which starts sooner; otherwise the sources are run. */
const commandOf = (file: string): string[] =>
  process.env['HOLDFAST_BUILT'] === '1'
    ? [`examples/dist/${file.replace(/\.ts$/, '.js')}`]
    : ['--import', 'tsx', '--conditions=@holdfast/source', `examples/src/${file}`];

export class Program {
  readonly process: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = '';
  #onOutput = (): void => {};

  constructor(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, [...commandOf(file), ...args], {
      cwd: root,
      env: { ...process.env, HOLDFAST_NODES: '', REDIS_URL: '', ...env },
      stdio: 'pipe',
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk;
        this.#onOutput();
      });
    }
    this.#closed = once(this.process, 'close');
  }

  /** All that it has printed, on both outputs. */
  get output(): string {
    return this.#output;
  }

  /** Resolves to its exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.process.exitCode ?? this.process.signalCode;
  }

  /** Resolves when it has printed `words`; rejects with what it printed instead if it ends before. */
  async printed(words: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#onOutput = () => this.#output.includes(words) && resolve();
      this.#onOutput();
    });
    const ended = this.#closed.then(() => {
      throw new Error(`It ended without printing "${words}":\n${this.#output}`);
    });
    await Promise.race([seen, ended]);
  }

  /** The ids of its process, of those that it started, and so on. */
  family(): number[] {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
    const family = new Set([this.process.pid]);
    for (let size = 0; size < family.size; ) {
      size = family.size;
      for (const [pid, parent] of pairs) if (family.has(parent)) family.add(pid);
    }
    return [...family].filter((pid) => pid !== undefined);
  }
}

/**
 * One process that runs examples one after the other, which loads the packages once. One that throws ends the process, so
 * that those after it fail too.
 */
export class Series extends Program {
  #runs = 0;

  constructor() {
    super('../test/series.mjs');
  }

  /** Runs an example to its end. Resolves to what it printed; rejects with that if it throws. */
  async run(file: string, env: NodeJS.ProcessEnv): Promise<string> {
    const from = this.output.length;
    this.#runs += 1;
    const end = `\0${this.#runs}\n`;
    this.process.stdin?.write(`${JSON.stringify({ path: `${root}${commandOf(file).at(-1)}`, env, end })}\n`);
    await this.printed(end);
    return this.output.slice(from, this.output.lastIndexOf(end));
  }

  /** Gives it no more examples. Resolves to its exit code once nothing that they opened is left. */
  finish(): Promise<number | NodeJS.Signals | null> {
    this.process.stdin?.end();
    return this.ended();
  }
}

/** Runs an example to its end. */
export async function run(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const program = new Program(file, args, env);
  const code = await program.ended();
  return { code, output: program.output };
}

/** Resolves when none of the processes is left; those that init has yet to bury do not count. */
export async function gone(pids: readonly number[]): Promise<void> {
  await vi.waitFor(
    () => {
      const listed = execFileSync('ps', ['-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
      const left = listed.filter((line) => {
        const [pid, stat] = line.trim().split(/\s+/);
        return pids.includes(Number(pid)) && !stat?.startsWith('Z');
      });
      if (left.length > 0) throw new Error(`These are left running:\n${left.join('\n')}`);
    },
    { timeout: 45_000 },
  );
}
