/**
 * The client processes of one episode, by number: started, stopped in their tracks, killed, replaced, and finished.
 *
 * Guarantees: after `stop` none of them runs. A client that ends otherwise than by our SIGKILL or in order is reported
 * as unexpected, and so is whatever a client itself reports.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock, within } from '@holdfast/kernel';
import type { Violation } from '../check/index.js';
import type { Clients } from '../nemesis/nemesis.js';
import type { Assignment, FromClient } from './assignment.js';

/** How long a process may take to start, in ms, on a busy machine. */
const START_LIMIT = 30_000;

/** Under a test runner the sources run as they are. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const FLAGS = extension === '.ts' ? ['--import', 'tsx', '--conditions=@holdfast/source'] : [];

/** The client program in the folder of a module, by its `import.meta.url`. */
export const programBeside = (url: string): string =>
  fileURLToPath(new URL(`client-process${extension}`, url));

/** `A` is what a program is told, besides what makes each process another. */
export interface ClientsOptions<A extends object> {
  readonly count: number;
  /** Where their histories go, a file each process. */
  readonly folder: string;
  readonly assign: (client: number) => A;
  /** The module that each process runs. */
  readonly program: string;
  readonly seed: number;
}

export class ClientProcesses<A extends object> implements Clients {
  readonly #options: ClientsOptions<A>;
  readonly #violations: Violation[] = [];
  readonly #running: (ChildProcess | undefined)[] = [];
  readonly #killed = new Set<ChildProcess>();
  #incarnations = 0;

  constructor(options: ClientsOptions<A>) {
    this.#options = options;
  }

  /** Errors that no client should ever see, and leases that were not granted at the end. */
  get violations(): readonly Violation[] {
    return this.#violations;
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.count }, (_, client) => this.replace(client)));
  }

  freeze(client: number): void {
    this.#running[client]?.kill('SIGSTOP');
  }

  thaw(client: number): void {
    this.#running[client]?.kill('SIGCONT');
  }

  kill(client: number): void {
    const child = this.#running[client];
    if (!child) return;
    this.#killed.add(child);
    child.kill('SIGKILL');
  }

  async replace(client: number): Promise<void> {
    this.#incarnations += 1;
    const name = `c${client}.${this.#incarnations}`;
    const { folder, assign, seed, program } = this.#options;
    const assignment: A & Pick<Assignment, 'name' | 'history' | 'seed'> = {
      ...assign(client),
      name,
      seed: seed + 1_000 * this.#incarnations,
      history: join(folder, `${name}.jsonl`),
    };
    const args = [...FLAGS, program, JSON.stringify(assignment)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#running[client] = child;
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromClient) => {
        if (message.say === 'ready') resolve();
        else this.#report(name, message);
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (this.#running[client] === child) this.#running[client] = undefined;
        if (code !== 0 && !this.#killed.has(child)) {
          this.#report(name, { say: 'unexpected', error: `it ended with ${signal ?? `code ${code}`}` });
        }
        resolve();
      });
    });
    await within(systemClock, START_LIMIT, ready, `client ${name} did not start within ${START_LIMIT} ms`);
  }

  /** Tells all to end what they do and to ask for every resource once; resolves when they have ended. */
  async finish(limit: number): Promise<void> {
    const running = this.#running.filter((child) => child !== undefined);
    const ended = running.map(async (child) => {
      if (child.exitCode === null && child.signalCode === null) {
        child.send('finish', () => {}); // it may be gone
        await once(child, 'exit');
      }
    });
    await within(systemClock, limit, Promise.all(ended), 'late').catch(() => {
      this.#report('some client', { say: 'unexpected', error: `did not finish within ${limit} ms` });
    });
  }

  async stop(): Promise<void> {
    const ends = this.#running.flatMap((child, client) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return [];
      const ended = once(child, 'exit');
      this.kill(client);
      return [ended];
    });
    await Promise.all(ends);
  }

  #report(name: string, message: Exclude<FromClient, { say: 'ready' }>): void {
    if (message.say === 'unexpected') {
      this.#violations.push({ rule: 'errors', message: `${name}: ${message.error}`, events: [] });
    } else {
      const what = `${name} was not granted "${message.resource}" although all faults were over`;
      this.#violations.push({ rule: 'liveness', message: `${what}: ${message.error}`, events: [] });
    }
  }
}
