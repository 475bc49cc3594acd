/**
 * One real Redis server process on a loopback port: start, stop, kill, freeze, thaw.
 *
 * Guarantees: `start` resolves when this very server answers; `stop` and `kill` when its process is gone. The port stays
 * the same over restarts. A running server does not keep this program alive; a call that is awaited does.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  flag,
  MisuseError,
  pause,
  type Readers,
  readOptions,
  systemClock,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import type { AgainOptions, LocalNode } from './node.js';
import { type Answer, probe } from './probe.js';
import { startWatched, type Watched } from './watchdog.js';

export interface NodeOptions {
  readonly server: string;
  readonly port: number;
  readonly folder: string;
  readonly args: readonly string[];
  readonly config: string | undefined;
  readonly readyTimeout: number;
}

const AGAIN = { empty: withDefault(flag, false) } satisfies Readers<AgainOptions>;

/** How much of a server's output is kept, and how much of it an error shows, in characters. */
const KEPT_OUTPUT = 65_536;
const SHOWN_OUTPUT = 2_000;

/** How long one probe may take, and how long to wait before the next, in ms. */
const PROBE_LIMIT = 500;
const PROBE_PAUSE = 10;

export class ServerNode implements LocalNode {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly #options: NodeOptions;
  #running: Watched | undefined;
  #spawning: Promise<void> | undefined;
  #frozen = false;
  #over = false;
  /** All output, and that of the present run alone. */
  #output = '';
  #printed = '';

  constructor(options: NodeOptions) {
    this.#options = options;
    this.port = options.port;
    this.url = `redis://127.0.0.1:${options.port}`;
    this.folder = options.folder;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get state(): 'running' | 'frozen' | 'stopped' {
    if (this.#running === undefined) return 'stopped';
    return this.#frozen ? 'frozen' : 'running';
  }

  get output(): string {
    return this.#output;
  }

  async start(options: AgainOptions = {}): Promise<void> {
    const { empty } = readOptions('start', options, AGAIN);
    if (this.#over) {
      throw new MisuseError(
        `The nodes were stopped for good, port ${this.port} too; call startNodes() again.`,
      );
    }
    if (this.#running || this.#spawning) {
      throw new MisuseError(`The node on port ${this.port} runs already; stop() or kill() it first.`);
    }
    if (empty) rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    this.#spawning = this.#spawn();
    try {
      await this.#spawning;
    } catch (error) {
      throw this.#unavailable('could not be started', String(error), { cause: error });
    } finally {
      this.#spawning = undefined;
    }
    await this.#ready();
  }

  async restart(options: AgainOptions = {}): Promise<void> {
    await this.kill();
    await this.start(options);
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends the server for good: a later `start` is refused. */
  async close(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#over = true;
    await this.#end(signal);
  }

  freeze(): void {
    this.#require(this.#send('SIGSTOP'));
    this.#frozen = true;
  }

  thaw(): void {
    this.#require(this.#send('SIGCONT'));
    this.#frozen = false;
  }

  #require(sent: boolean): void {
    if (!sent) throw new MisuseError(`The node on port ${this.port} does not run; start() it first.`);
  }

  /** Whether the server was there to get the signal. */
  #send(signal: NodeJS.Signals): boolean {
    try {
      return this.#running !== undefined && process.kill(this.#running.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  async #spawn(): Promise<void> {
    const { server, port, args, config } = this.#options;
    const file = join(this.folder, 'redis.conf');
    if (config !== undefined && !existsSync(file)) writeFileSync(file, config);
    // The later of two settings counts: the caller's over the defaults, the fixed ones over the caller's.
    const defaults = ['--save', '', '--appendonly', 'no'];
    const address = ['--bind', '127.0.0.1', '--protected-mode', 'yes', '--port', `${port}`];
    // By its own folder, because Valkey does not escape the quotes in a path.
    const fixed = [...address, '--dir', './', '--daemonize', 'no'];
    this.#printed = '';
    const watched = await startWatched(
      server,
      [...(config === undefined ? [] : [file]), ...defaults, ...args, ...fixed],
      (text) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
        this.#printed = (this.#printed + text).slice(-SHOWN_OUTPUT);
      },
      { cwd: this.folder },
    );
    this.#running = watched;
    this.#frozen = false;
    void watched.ended.then(() => {
      if (this.#running === watched) this.#running = undefined;
    });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#spawning?.catch(() => {}); // start() reports it
    const watched = this.#running;
    if (!watched) return;
    watched.hold(true);
    if (signal === 'SIGTERM') this.#send('SIGCONT');
    this.#frozen = false;
    this.#send(signal);
    const ended = new AbortController();
    void watched.ended.then(() => ended.abort());
    await pause(systemClock, this.#options.readyTimeout, ended.signal);
    if (this.#running === watched) this.#send('SIGKILL');
    await watched.ended;
  }

  /** Waits until the server that was just spawned answers; kills it if it does not. */
  async #ready(): Promise<void> {
    const watched = this.#running;
    const { readyTimeout } = this.#options;
    const deadline = systemClock.now() + readyTimeout;
    let answer: Answer = 'silent';
    while (watched && this.#running === watched) {
      const left = deadline - systemClock.now();
      if (left <= 0) break;
      answer = await probe(this.port, watched.pid, Math.min(PROBE_LIMIT, left));
      if (answer === 'ready') return watched.hold(false);
      await pause(systemClock, PROBE_PAUSE);
    }
    const alive = watched !== undefined && this.#running === watched;
    if (alive) await this.kill();
    const what = alive ? `did not answer within ${readyTimeout} ms` : 'ended while starting';
    const other = typeof answer === 'object' ? `; process ${answer.otherPid} answers there` : '';
    throw this.#unavailable(`${what}${other}`, this.#printed.trim() || 'it printed nothing');
  }

  #unavailable(what: string, reason: string, options?: ErrorOptions): UnavailableError {
    const nodes = [{ node: `127.0.0.1:${this.port}`, reason }];
    return new UnavailableError(`The Redis server on port ${this.port} ${what}.`, nodes, options);
  }
}
