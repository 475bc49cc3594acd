/**
 * The right to a folder of exported rows: who has the highest token writes its manifests and trims the logs.
 *
 * Guarantees: one with a lower token names nothing and trims nothing: the log has a mark, and so has the manifest, which a server
 * that forgot does not take back. A file is whole before a manifest can name it.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import type { TokenHolder } from '@holdfast/kernel';
import type { Claimed } from '../store/export-verbs.js';
import type { Partition } from '../store/partition.js';
import { latestManifest, type Manifest, makeManifest, syncPath } from './manifest.js';

type Step = 'claim' | 'write' | 'rename' | 'name' | 'trim' | 'delete';

export interface RightParts {
  readonly dir: string;
  readonly holder: TokenHolder;
  /** Called before each step; tests stop an exporter with it. */
  readonly onStep?: (step: Step) => void | Promise<void>;
}

export class ExportRight {
  readonly #parts: RightParts;

  constructor(parts: RightParts) {
    this.#parts = parts;
  }

  /** The manifest that counts, once it is this holder's: a deposed one then finds its next number taken. */
  async takeOver(partition: Partition): Promise<Manifest> {
    const { dir, holder } = this.#parts;
    const { token, issuer } = holder;
    for (;;) {
      const found = await latestManifest(dir, partition.number);
      if (found !== undefined && found.issuer !== issuer) throw foreign(holder, found.issuer);
      if (found !== undefined && found.token > token) throw stale(holder, found.token);
      // The log is claimed first: the one that had it trims nothing from then on.
      await this.claim(partition, { epoch: '', through: 0, most: 1 });
      if (found?.token === token) return found;
      const mine: Manifest = {
        ...{ format: 1, partition: partition.number, number: 0 },
        ...{ epochs: [], lost: [], files: [], erased: [], replaced: [] },
        ...found,
        ...{ token, issuer },
      };
      if (await this.make(mine)) return { ...mine, number: mine.number + 1 };
    }
  }

  async claim(
    partition: Partition,
    { epoch, through, most }: { readonly epoch: string; readonly through: number; readonly most: number },
  ): Promise<Claimed> {
    const { holder } = this.#parts;
    const { token, issuer } = holder;
    await this.step('claim');
    const reply = await partition.call(partition.verbs.claim, { token, issuer, epoch, through, most });
    if (reply.word === 'claimed') return reply;
    throw refusedRight(holder, reply);
  }

  /** Makes the manifest that follows. False if another has made it: look again. */
  make(manifest: Manifest): Promise<boolean> {
    this.#parts.holder.signal.throwIfAborted();
    return makeManifest(this.#parts.dir, { ...manifest, number: manifest.number + 1 });
  }

  /** Whether no other has made a manifest since. */
  async isLatest({ partition, number }: Manifest): Promise<boolean> {
    return (await latestManifest(this.#parts.dir, partition))?.number === number;
  }

  /**
   * Has a file written aside and renamed to its path below the folder, which is noted in `placed` before. Returns what `write`
   * returns.
   */
  async place<T>(path: string, placed: string[], write: (file: string) => Promise<T>): Promise<T> {
    const whole = join(this.#parts.dir, path);
    const aside = asideOf(whole);
    placed.push(path);
    await mkdir(dirname(whole), { recursive: true });
    await this.step('write');
    const written = await write(aside);
    await syncPath(aside);
    await this.step('rename');
    await rename(aside, whole);
    await syncPath(dirname(whole));
    return written;
  }

  /** Deletes files that were placed for a manifest that was not made, as another came first. */
  async discard({ number }: Partition, placed: readonly string[]): Promise<void> {
    const { dir } = this.#parts;
    const manifest = await latestManifest(dir, number);
    const named = new Set(
      [...(manifest?.files ?? []), ...(manifest?.replaced ?? [])].map(({ path }) => path),
    );
    for (const path of placed.filter((each) => !named.has(each))) {
      for (const file of [join(dir, path), asideOf(join(dir, path))]) await rm(file, { force: true });
    }
  }

  async step(step: Step): Promise<void> {
    await this.#parts.onStep?.(step);
  }
}

const asideOf = (whole: string): string => join(dirname(whole), `.${basename(whole)}.${process.pid}`);

/** The error for a reply by which a partition refuses this holder. */
export function refusedRight(
  holder: TokenHolder,
  { word, detail }: { readonly word: string; readonly detail: string },
): Error {
  const [token = '', ...issuer] = detail.split(' ');
  return word === 'foreign' ? foreign(holder, issuer.join(' ')) : stale(holder, Number(token));
}

function stale({ token, resource }: TokenHolder, seen: number): StaleTokenError {
  return new StaleTokenError(
    `Token ${token} exports nothing: an exporter with token ${seen} has taken over. Stop this one.`,
    { resource, offered: token, seen, reason: 'lower' },
  );
}

function foreign({ resource, issuer }: TokenHolder, expected: string): IssuerMismatchError {
  return new IssuerMismatchError(
    `The rows were exported under tokens of ${expected}, which those of ${issuer} cannot be compared with.`,
    { resource, issuer, expected },
  );
}
