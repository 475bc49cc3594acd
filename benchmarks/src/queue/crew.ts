/**
 * Worker processes of one contestant, as their parent sees them.
 *
 * Guarantees: after `stop` none of them runs. A process that ends unasked rejects what waits for it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { processFile } from '../harness/process.js';

export interface CrewOptions {
  readonly contestant: string;
  readonly url: string;
  readonly processes: number;
  readonly concurrency: number;
  readonly lease?: number;
  readonly how: 'count' | 'latency' | 'hold' | 'effect';
}

interface Message {
  readonly ready?: boolean;
  readonly handled?: number;
  readonly begun?: number;
  readonly latencies?: readonly number[];
  readonly rss?: number;
}

export class Crew {
  handled = 0;
  begun = 0;
  readonly #children: readonly ChildProcess[];
  #changed = (): void => {};
  #failure: Error | undefined;
  #ready = 0;
  readonly #reports: Message[] = [];

  constructor({ contestant, url, processes, concurrency, lease = 30_000, how }: CrewOptions) {
    const args = [contestant, url, String(concurrency), String(lease), how];
    this.#children = Array.from({ length: processes }, () => {
      const child = fork(processFile(import.meta.url, 'worker-process'), args, { serialization: 'advanced' });
      child.on('message', (message) => this.#hear(message as Message));
      child.on('exit', (code) => {
        if (this.#reports.length < processes)
          this.#failure = new Error(`A worker of ${contestant} ended with ${code}.`);
        this.#changed();
      });
      return child;
    });
  }

  get pids(): readonly (number | undefined)[] {
    return this.#children.map(({ pid }) => pid);
  }

  started(): Promise<void> {
    return this.until(() => this.#ready === this.#children.length);
  }

  /** Resolves when a message has made it so; rejects when a process has ended. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#changed = () => {
        if (this.#failure) reject(this.#failure);
        else if (isSo()) resolve();
      };
      this.#changed();
    });
  }

  signal(name: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(name);
  }

  goOn(): void {
    for (const child of this.#children) child.send('go on');
  }

  /** Ends all; resolves to what they have measured. */
  async stop(): Promise<{ latencies: number[]; rss: number }> {
    const ended = this.#children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#children) child.send('stop');
    await Promise.all(ended);
    return {
      latencies: this.#reports.flatMap(({ latencies = [] }) => [...latencies]),
      rss: Math.max(...this.#reports.map(({ rss = 0 }) => rss)),
    };
  }

  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #hear(message: Message): void {
    if (message.ready) this.#ready += 1;
    this.handled += message.handled ?? 0;
    this.begun = Math.max(this.begun, message.begun ?? 0);
    if (message.rss !== undefined) this.#reports.push(message);
    this.#changed();
  }
}
