/**
 * A replica of the server: `holdfast serve` as a process, at the same port each time.
 *
 * Guarantees: it has ended when `stop` resolves. It does not outlive this process, if that ends by its own code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const isSource = extname(import.meta.url) === '.ts';
const HOLDFAST = fileURLToPath(
  new URL(`../../../packages/holdfast/${isSource ? 'src/bin.ts' : 'dist/bin.js'}`, import.meta.url),
);
const ERRORS_KEPT = 20;

export class Replica {
  /** Its lines of errors, the first ones. */
  readonly errors: string[] = [];
  /** How long each of its starts took until it listened, in ms. */
  readonly starts: number[] = [];
  readonly #env: Readonly<Record<string, string>>;
  #port = 0;
  #child: ChildProcess | undefined;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it listens. Rejects with what it said when it ends instead. */
  async start(): Promise<void> {
    const args = [...process.execArgv, HOLDFAST, 'serve', '--port', `${this.#port}`];
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
    const began = performance.now();
    const child = spawn(process.execPath, args, {
      env: { ...Object.fromEntries(inherited), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const port = /serves http:\/\/\S+:(\d+);/.exec(said)?.[1];
        if (port === undefined) return;
        this.#port = Number(port);
        this.starts.push(performance.now() - began);
        resolve();
      });
      child.once('exit', (code) => reject(new Error(`holdfast serve ended with ${code}: ${said}`)));
    });
  }

  /** By SIGTERM, as Kubernetes does. Rejects if it ends otherwise than in order. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'exit');
    if (code !== 0) throw new Error(`holdfast serve ended with ${signal ?? code}: ${this.errors.join('\n')}`);
  }

  #read(line: string): void {
    const isError = line.includes('"level":"error"') && !line.includes('"status":503');
    if (isError && this.errors.length < ERRORS_KEPT) this.errors.push(line);
  }
}
