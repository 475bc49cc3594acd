/**
 * The command line as a user meets it: a process of its own, its output, its end.
 *
 * Guarantees: it is started in a session of its own, so it has no controlling terminal wherever the tests run; the
 * settings of whoever runs the tests do not reach it; on a busy machine it waits for its nodes, where its test gives no
 * other call timeout; `endAll` leaves nothing running.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The whole check has built it just before, which starts in a third of the time; otherwise the sources are run. */
export const BIN: readonly string[] =
  process.env['HOLDFAST_BUILT'] === '1'
    ? [fileURLToPath(new URL('../dist/bin.js', import.meta.url))]
    : [
        '--import',
        'tsx',
        '--conditions=@holdfast/source',
        fileURLToPath(new URL('../src/bin.ts', import.meta.url)),
      ];

/** Far longer than a node takes that merely has to wait for a processor. */
export const PATIENT = { HOLDFAST_CALL_TIMEOUT: '20s' };

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const started = new Set<Cli>();

export class Cli {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #over = false;
  #onOutput: () => void = () => {};

  constructor(file: string, words: readonly string[], env: Readonly<Record<string, string>>) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('HOLDFAST_') || name === 'HOLDFAST_REDIS_SERVER',
    );
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const child = spawn(file, words, {
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...PATIENT, ...env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
      this.#onOutput();
    });
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
      this.#onOutput();
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#over = true;
        started.delete(this);
        this.#onOutput();
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
    started.add(this);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Resolves as soon as the output matches; rejects if the process ends without. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#onOutput = () => {
        const match = pattern.exec(`${this.stdout}\n${this.stderr}`);
        if (match) resolve(match);
        else if (this.#over) reject(new Error(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`));
      };
      this.#onOutput();
    });
  }
}

/** Starts `holdfast` with `words`. */
export function holdfast(words: readonly string[], env: Readonly<Record<string, string>> = {}): Cli {
  return new Cli(process.execPath, [...BIN, ...words], env);
}

/** Asks whatever is still running to stop, and waits for it. */
export async function endAll(): Promise<void> {
  const left = [...started];
  started.clear();
  for (const cli of left) cli.signal('SIGTERM');
  await Promise.all(left.map(({ ended }) => ended));
}

/** Whether a process exists; a zombie that nobody has waited for does not count. */
export async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Cli('ps', ['-o', 'stat=', '-p', String(pid)], {}).ended;
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
