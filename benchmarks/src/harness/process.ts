/**
 * A process that measures for its parent: it is asked one thing at a time, and answers with a result or an error.
 *
 * Guarantees: a process that ends unasked rejects what was asked of it, and after `stop` it does not run. Its first
 * answer says that it is ready.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Response = { readonly result: unknown } | { readonly error: string };

export class MeasuringProcess {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[]) {
    this.#child = fork(file, [...args], { serialization: 'advanced' });
  }

  /** Rejects with the reason when it cannot start. */
  async started(): Promise<void> {
    await this.#answer();
  }

  async ask<T>(request: string | object): Promise<T> {
    const answer = this.#answer();
    this.#child.send(request);
    return (await answer) as T;
  }

  /** Freezes it, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onMessage = (response: Response): void => {
        this.#child.off('exit', onExit);
        if ('error' in response) reject(new Error(response.error));
        else resolve(response.result);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        this.#child.off('message', onMessage);
        reject(new Error(`the process ended with ${signal ?? `code ${code}`}`));
      };
      this.#child.once('message', onMessage);
      this.#child.once('exit', onExit);
    });
  }
}

/** The file of a child process beside the module `url`: TypeScript in development, JavaScript when built. */
export function processFile(url: string, name: string): string {
  return fileURLToPath(new URL(`./${name}${extname(url)}`, url));
}
