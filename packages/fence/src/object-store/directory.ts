/**
 * Objects in a directory of this machine, with the conditions that S3 has, which hold between processes.
 *
 * An object is a folder of version files, 1, 2, 3 and so on; the highest is current. A put writes its file under a
 * name of its own and then links it to the next number: `link` fails if that number exists, so of several puts on one
 * ETag one wins, without any lock that a process could die with.
 *
 * Guarantees: those of a store (store.ts), between processes on one machine and over a crash of any of them: a
 * version is complete and on disk before it has a number. The next put clears the remains of a crashed one.
 * Assumed: a POSIX file system with hard links, on which listing a small folder is a snapshot, as on Linux's own.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  display,
  MisuseError,
  orSystemRandom,
  type Random,
  type Readers,
  readOptions,
} from '@holdfast/kernel';
import type { Attributes, Mark, NewObject, ObjectStore, PutAnswer, StoredObject } from './store.js';

export interface DirectoryStoreOptions {
  /** The directory. It is created on the first put if it does not exist. */
  readonly path: string;
  /** The source of randomness; tests and simulations pass their own. Default: the system's. */
  readonly random?: Random;
}

/** The first line of a version file, as JSON; the content follows. */
interface Header {
  readonly key: string;
  readonly etag: string;
  readonly mark: Mark;
  readonly attributes: Attributes;
}

/** Creates a store of objects in a directory. Throws MisuseError for options that cannot work; touches nothing yet. */
export function directoryStore(options: DirectoryStoreOptions): ObjectStore {
  const { path, random } = readOptions('directoryStore', options, DIRECTORY);
  return new DirectoryStore(resolve(path), random);
}

const DIRECTORY = { path: pathOfDirectory, random: orSystemRandom } satisfies Readers<DirectoryStoreOptions>;

function pathOfDirectory(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new MisuseError(`${option} is the path of a directory; got ${display(value)}.`);
}

class DirectoryStore implements ObjectStore {
  readonly name: string;
  readonly #path: string;
  readonly #random: Random;

  constructor(path: string, random: Random) {
    this.name = `${path}/`;
    this.#path = path;
    this.#random = random;
  }

  async get(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const folder = this.#folder(key);
    for (;;) {
      signal.throwIfAborted();
      const number = highest(await list(folder));
      if (number === 0) return undefined;
      const file = await present(readFile(join(folder, nameOf(number))));
      // Once two later versions have come, the number may be cleared, and be given to a put that is refused for coming
      // so late. The file that was read is the version only if there was no time for that.
      if (file !== undefined && highest(await list(folder)) <= number + 1) return this.#decode(key, file);
    }
  }

  async put(...[key, object, expected, signal]: Parameters<ObjectStore['put']>): Promise<PutAnswer> {
    const folder = this.#folder(key);
    signal.throwIfAborted();
    const number = highest(await list(folder));
    if (number === 0 ? expected !== undefined : expected === undefined) return { word: 'refused' };
    if (number === 0) await makeFolder(folder);
    else {
      const file = await present(readFile(join(folder, nameOf(number))));
      if (file === undefined || this.#decode(key, file).etag !== expected) return { word: 'refused' };
    }
    return this.#append(folder, number + 1, { key, ...object });
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await present(rm(this.#folder(key), { recursive: true, force: true }));
  }

  async #append(folder: string, number: number, object: NewObject & { key: string }): Promise<PutAnswer> {
    const id = this.#random.id();
    const { body, ...rest } = object;
    const header: Header = { ...rest, etag: `${number}-${id}` };
    const draft = join(folder, `${nameOf(number)}.${id}`);
    try {
      await writeDurably(draft, [Buffer.from(`${JSON.stringify(header)}\n`), body]);
      if (!(await linked(draft, join(folder, nameOf(number))))) return { word: 'refused' };
      await sync(folder);
      const names = await list(folder);
      await clear(folder, names);
      // If there is a higher number, it followed ours, or ours came so late that its number had been cleared meanwhile.
      return highest(names) === number ? { word: 'put', etag: header.etag } : { word: 'unclear' };
    } catch (error) {
      throw understood(error);
    } finally {
      await rm(draft, { force: true });
    }
  }

  #decode(key: string, file: Buffer): StoredObject {
    const end = file.indexOf('\n');
    try {
      const { key: own, etag, mark, attributes }: Header = JSON.parse(file.toString('utf8', 0, end));
      if (own === key) return { etag, mark, attributes, body: file.subarray(end + 1) };
    } catch (cause) {
      throw new MisuseError(`${this.name} has a file for ${display(key)} that was changed past the guard.`, {
        cause,
      });
    }
    throw new MisuseError(
      `${this.name} keeps another object where ${display(key)} belongs: its file system does not tell such names apart.`,
    );
  }

  #folder(key: string): string {
    const name = encodeURIComponent(key).replaceAll('*', '%2A').replace(/^\./, '%2E');
    if (name.length <= 200) return join(this.#path, name);
    const digest = createHash('sha256').update(key).digest('hex');
    return join(this.#path, `${name.slice(0, 120)}~${digest}`);
  }
}

const nameOf = (number: number): string => String(number).padStart(16, '0');

const isVersion = (name: string): boolean => /^\d{16}$/.test(name);

const highest = (names: readonly string[]): number => Math.max(0, ...names.filter(isVersion).map(Number));

async function list(folder: string): Promise<readonly string[]> {
  return (await present(readdir(folder))) ?? [];
}

/** Removes versions before the last but one, and drafts of numbers that are taken. */
async function clear(folder: string, names: readonly string[]): Promise<void> {
  const current = highest(names);
  const past = names.filter((name) => {
    const number = Number.parseInt(name, 10);
    return isVersion(name) ? number < current - 1 : number <= current;
  });
  await Promise.all(past.map((name) => rm(join(folder, name), { force: true })));
}

async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives the draft its number, unless that is taken, or the draft was cleared because it had been. */
async function linked(draft: string, version: string): Promise<boolean> {
  try {
    await link(draft, version);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(codeOf(error))) return false;
    throw error;
  }
}

/** Creates the folder and those above it, so that a crash of the machine does not undo that. */
async function makeFolder(folder: string): Promise<void> {
  try {
    const first = (await mkdir(folder, { recursive: true })) ?? folder;
    for (let made = folder; made.length >= first.length; made = dirname(made)) await sync(dirname(made));
  } catch (error) {
    throw understood(error);
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The result of `reading`, or undefined if there is no such file. */
async function present<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw understood(error);
  }
}

/** Errors of a file system that is unsuitable, or not ours to write to: a repetition cannot help. */
const FINAL = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

function understood(error: unknown): unknown {
  if (!FINAL.includes(codeOf(error))) return error;
  const { message } = error as Error;
  return new MisuseError(`The directory cannot be used as a store: ${message}.`, { cause: error });
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
