/**
 * A disk that the machines of a run share: shipped code that calls node:fs/promises with a path below its root works on it, in
 * memory; all other paths go to the real file system.
 *
 * Guarantees: a call does what it does at one moment, and its answer takes time, as the world has it: others come in between, and
 * a process that ends meanwhile does nothing more. What a process had written stays.
 */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { Random } from '@holdfast/kernel';
import type { Machine } from './machine.js';
import type { Scheduler } from './scheduler.js';

/** A file: `open` and `writeFile` give it a text, `write` anything. Links share it. */
interface File {
  content: unknown;
}

interface DirectoryEntry {
  readonly name: string;
  isDirectory(): boolean;
}

/** Answers take so long, in microseconds, and now and then much longer. */
const USUAL = 200;
const SLOW = 20_000;

const ROOT = '/simulated-disk/';
const disks = new Map<string, Disk>();
let made = 0;

export class Disk {
  /** The path of a folder that is there. */
  readonly root: string;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #files = new Map<string, File>();
  readonly #folders = new Set<string>();

  constructor(scheduler: Scheduler, random: Random) {
    install();
    made += 1;
    this.root = `${ROOT}${made}`;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#folders.add(this.root);
    // Runs come one after the other: what still calls in one that is over is answered nothing.
    disks.clear();
    disks.set(String(made), this);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Undefined if there is no such file. */
  read(path: string): unknown {
    return this.#files.get(path)?.content;
  }

  write(path: string, content: unknown): void {
    this.#files.set(path, { content });
  }

  /** The paths of all files below a folder. */
  below(path: string): readonly string[] {
    return [...this.#files.keys()].filter((each) => each.startsWith(`${path}/`));
  }

  /** Does it for the machine whose turn it is, and answers it later. */
  perform<T>(effect: () => T): Promise<T> {
    const machine = this.#scheduler.turn as Machine;
    const time = this.#random.unit() < 0.03 ? SLOW : USUAL;
    return new Promise((resolve, reject) => {
      machine.whenReal(() => {
        const answer = settled(effect);
        const delay = (time * (0.5 + this.#random.unit())) / 1_000;
        machine.clock.after(delay, () => ('error' in answer ? reject(answer.error) : resolve(answer.value)));
      });
    });
  }

  makeFolder(path: string): void {
    for (let end = path.length; end >= this.root.length; end = path.lastIndexOf('/', end - 1))
      this.#folders.add(path.slice(0, end));
  }

  open(path: string, flags: string) {
    if (flags === 'wx') {
      if (this.#files.has(path)) throw failure('EEXIST', path);
      this.#files.set(path, { content: '' });
    } else if (!this.#folders.has(path)) this.#fileAt(path);
    const file = this.#files.get(path);
    return {
      writeFile: (content: string) =>
        this.perform(() => {
          if (file !== undefined) file.content = content;
        }),
      sync: () => this.perform(() => {}),
      close: () => this.perform(() => {}),
    };
  }

  /** Names, or paths of all that is below it. */
  list(path: string, { withFileTypes, recursive }: { withFileTypes?: boolean; recursive?: boolean } = {}) {
    if (!this.#folders.has(path)) throw failure('ENOENT', path);
    const within = [...this.#folders, ...this.#files.keys()].flatMap((each) =>
      each.startsWith(`${path}/`) ? [each.slice(path.length + 1)] : [],
    );
    const names = within.filter((name) => recursive || !name.includes('/'));
    if (!withFileTypes) return names;
    const isDirectory = (name: string) => (): boolean => this.#folders.has(`${path}/${name}`);
    return names.map((name): DirectoryEntry => ({ name, isDirectory: isDirectory(name) }));
  }

  readText(path: string): string {
    return String(this.#fileAt(path).content);
  }

  link(from: string, to: string): void {
    const file = this.#fileAt(from);
    if (this.#files.has(to)) throw failure('EEXIST', to);
    this.#files.set(to, file);
  }

  rename(from: string, to: string): void {
    this.#files.set(to, this.#fileAt(from));
    this.#files.delete(from);
  }

  remove(path: string, { force = false }: { force?: boolean } = {}): void {
    if (!this.#files.delete(path) && !force) throw failure('ENOENT', path);
  }

  #fileAt(path: string): File {
    const file = this.#files.get(path);
    if (file === undefined) throw failure('ENOENT', path);
    return file;
  }
}

type Answer<T> = { readonly value: T } | { readonly error: unknown };

function settled<T>(effect: () => T): Answer<T> {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });

/** What a disk does for each function of node:fs/promises that shipped code calls on it. */
const OPERATIONS: Readonly<Record<string, (disk: Disk, path: string, ...rest: never[]) => unknown>> = {
  mkdir: (disk, path) => disk.makeFolder(path),
  open: (disk, path, flags: string) => disk.open(path, flags),
  readdir: (disk, path, options: { withFileTypes?: boolean; recursive?: boolean }) =>
    disk.list(path, options),
  readFile: (disk, path) => disk.readText(path),
  link: (disk, path, to: string) => disk.link(path, to),
  rename: (disk, path, to: string) => disk.rename(path, to),
  rm: (disk, path, options: { force?: boolean }) => disk.remove(path, options),
  unlink: (disk, path) => disk.remove(path),
};

/** Named imports of the shipped code follow what the module has. */
function install(): void {
  if (made > 0) return;
  const module = promises as unknown as Record<string, (path: unknown, ...rest: never[]) => unknown>;
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const real = module[name] as (typeof module)[string];
    module[name] = (path, ...rest) => {
      if (typeof path !== 'string' || !path.startsWith(ROOT)) return real(path, ...rest);
      const disk = disks.get(path.slice(ROOT.length).split('/', 1)[0] ?? '');
      if (disk === undefined) return new Promise(() => {});
      return disk.perform(() => operation(disk, path, ...rest));
    };
  }
  syncBuiltinESMExports();
}
