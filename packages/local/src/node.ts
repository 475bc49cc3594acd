/**
 * One real Redis server process on a loopback port: start, stop, kill, freeze, thaw.
 *
 * Guarantees: `start` resolves when the server answers; `stop` and `kill` when its process is gone. The port stays the
 * same over restarts. A running server does not keep this program alive.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { MisuseError, pause, systemClock, UnavailableError } from '@holdfast/kernel';
import { answersPing } from './ports.js';
import { startWatched, type Watched } from './watchdog.js';

/** How much of a server's output is kept, in characters. */
const KEPT_OUTPUT = 65_536;

export interface LocalNodeOptions {
  readonly server: string;
  readonly port: number;
  readonly folder: string;
  /** Whether the folder is removed at the end. */
  readonly temporary: boolean;
  readonly args: readonly string[];
  readonly readyTimeout: number;
}

export class LocalNode {
  readonly port: number;
  readonly url: string;
  /** Where the server keeps its data. */
  readonly folder: string;
  readonly #options: LocalNodeOptions;
  #running: Watched | undefined;
  #frozen = false;
  #output = '';

  /** @internal */
  constructor(options: LocalNodeOptions) {
    this.#options = options;
    this.port = options.port;
    this.url = `redis://127.0.0.1:${options.port}`;
    this.folder = options.folder;
  }

  /** The process id of the server; undefined when it does not run. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get state(): 'running' | 'frozen' | 'stopped' {
    if (this.#running === undefined) return 'stopped';
    return this.#frozen ? 'frozen' : 'running';
  }

  /** What the server has printed, the last 64 KiB. */
  get output(): string {
    return this.#output;
  }

  /**
   * Starts the server again, on the same port; `empty` removes its data first. Resolves when it answers.
   * Throws UnavailableError with its output if it does not.
   */
  async start({ empty = false } = {}): Promise<void> {
    if (this.#running) throw new MisuseError(`The node on port ${this.port} runs already.`);
    if (empty) rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    const { server, port, args, temporary } = this.#options;
    const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--daemonize', 'no'];
    const watched = await startWatched(server, [...fixed, ...args], temporary ? this.folder : '', (text) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    });
    this.#running = watched;
    this.#frozen = false;
    void watched.ended.then(() => {
      if (this.#running === watched) this.#running = undefined;
    });
    await this.#ready(watched);
    watched.hold(false);
  }

  /** Kills the server and starts it again. */
  async restart(options: { empty?: boolean } = {}): Promise<void> {
    await this.kill();
    await this.start(options);
  }

  /** Ends the server in order, by SIGTERM; by SIGKILL if that takes longer than the ready timeout. */
  async stop(): Promise<void> {
    if (this.#frozen) this.thaw();
    await this.#end('SIGTERM');
  }

  /** Ends the server by SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops the server's process in its tracks (SIGSTOP): connections stay, nothing answers. */
  freeze(): void {
    this.#signal('SIGSTOP');
    this.#frozen = true;
  }

  /** Lets a frozen server go on (SIGCONT). */
  thaw(): void {
    this.#signal('SIGCONT');
    this.#frozen = false;
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#running)
      throw new MisuseError(`The node on port ${this.port} does not run; start() it first.`);
    process.kill(this.#running.pid, signal);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const watched = this.#running;
    if (!watched) return;
    watched.hold(true);
    process.kill(watched.pid, signal);
    const given = new AbortController();
    const tooLong = pause(systemClock, this.#options.readyTimeout, given.signal);
    await Promise.race([watched.ended, tooLong]);
    given.abort();
    if (this.#running === watched) process.kill(watched.pid, 'SIGKILL');
    await watched.ended;
    this.#running = undefined;
    this.#frozen = false;
  }

  async #ready(watched: Watched): Promise<void> {
    const deadline = systemClock.now() + this.#options.readyTimeout;
    while (this.#running === watched && systemClock.now() < deadline) {
      if (await answersPing(this.port, 500)) return;
      await pause(systemClock, 10);
    }
    const what =
      this.#running === watched
        ? `did not answer within ${this.#options.readyTimeout} ms`
        : 'ended while starting';
    await this.kill();
    throw new UnavailableError(`The Redis server on port ${this.port} ${what}.`, [
      { node: `127.0.0.1:${this.port}`, reason: this.#output.trim() || 'it printed nothing' },
    ]);
  }
}
