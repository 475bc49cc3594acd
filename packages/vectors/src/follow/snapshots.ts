/**
 * Snapshots of a follower: what it knows, in a file, from which a process goes on that begins, instead of reading every document.
 *
 * Guarantees: a file is replaced as a whole, so processes that share a folder leave each other a snapshot of one of them. Whoever
 * restores one is as if it had been away since: the log tells what was written, and a server that may have forgotten something is
 * compared with. Words are not in it: texts are read again. A file that is damaged, of another index or layout, or of vectors of another shape is left alone, and
 * everything is read. Where a file cannot be written, the one before stays, and `failure` says why. Documents are written and
 * read in slices, between which searches are answered; vectors are copied at once.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join as pathOf } from 'node:path';
import { type Clock, messageOf, pause, type Random, UnavailableError } from '@holdfast/kernel';
import { SnapshotError } from '../errors.js';
import { copied, join, Sections, type Source, seal } from '../index/sections.js';
import { Slices } from '../index/slices.js';
import type { Model } from '../truth/builder-verbs.js';
import type { Attributes } from '../truth/record.js';
import type { Follower } from './follower.js';
import type { FollowerState } from './state.js';

/** The layout of what is in the parts. */
const LAYOUT = 1;

export interface SnapshotOptions {
  /** A folder on a disk of this machine; it is made where it is not there. One for each Redis. */
  readonly dir: string;
  /** How often one is written, if something has changed, in ms, at least 1000. Default 60000. One is written at `close`, too. */
  readonly every?: number;
}

export interface SnapshotsParts {
  readonly follower: Follower;
  readonly clock: Clock;
  readonly random: Random;
  readonly dir: string;
  readonly every: number;
  readonly prefix: string;
  readonly index: string;
}

type Kept = FollowerState['documents'][number];

type Rest = Pick<FollowerState, 'leaving' | 'waiting' | 'unreadable'> & {
  readonly counts: readonly (readonly [id: string, count: number])[];
};

/** Documents that are written or read in one go, of which each is a line. */
const PAGE = 500;
const NEWLINE = 10;

/** A document as it lies in a file, without what is the same for most. */
type Line = readonly [
  id: string,
  sequence: number,
  logged: number,
  expiry: number,
  time: number,
  attributes: Attributes,
];

export class Snapshots {
  readonly #parts: SnapshotsParts;
  readonly #file: string;
  readonly #closing = new AbortController();
  #restoring: Promise<void> | undefined;
  #written = '';
  #failure: string | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
    this.#file = pathOf(parts.dir, `${encodeURIComponent(parts.prefix + parts.index)}.snapshot`);
  }

  /** Why the last snapshot was not written, or the one that was there not restored; undefined if it was. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Restores what is there, once, and writes from time to time from then on. Throws UnavailableError: then it may be tried again. */
  begin(): Promise<void> {
    this.#restoring ??= this.#restore().then(
      () => void this.#writeAgain(),
      (error: unknown) => {
        this.#restoring = undefined;
        throw error;
      },
    );
    return this.#restoring;
  }

  /** Writes the last one. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#restoring?.catch(() => {});
    await this.#write();
  }

  async #writeAgain(): Promise<void> {
    const { clock, every } = this.#parts;
    const { signal } = this.#closing;
    for (;;) {
      await pause(clock, every, signal);
      if (signal.aborted) return;
      await this.#write();
    }
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeOnce().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeOnce(): Promise<void> {
    const { follower, clock, random, dir } = this.#parts;
    const kept = follower.kept();
    if (kept === undefined || kept.place === this.#written) return;
    const part = `${this.#file}.${random.id()}.part`;
    try {
      const bytes = await this.#bytesOf(kept, clock);
      await mkdir(dir, { recursive: true });
      await writeFile(part, bytes, { mode: 0o600 });
      await rename(part, this.#file);
      this.#written = kept.place;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = `the snapshot ${this.#file} was not written: ${messageOf(error)}`;
      await rm(part, { force: true }).catch(() => {});
    }
  }

  async #bytesOf(kept: NonNullable<ReturnType<Follower['kept']>>, clock: Clock): Promise<Uint8Array> {
    const { epoch, after, generation, model, vectors, documents, leaving, waiting, unreadable } = kept;
    const bytes = await vectors.bytes;
    const header = {
      ...{ kind: 'follower', layout: LAYOUT, index: this.#parts.prefix + this.#parts.index },
      ...{ epoch, after, generation, model, names: Object.keys(bytes) },
    };
    const rest = { counts: vectors.counts, leaving, waiting, unreadable };
    const sources: Source[] = [
      copied('documents', await printed(documents, clock)),
      copied('rest', Buffer.from(JSON.stringify(rest))),
      ...Object.values(bytes).map((each, at) => copied(`vectors ${at}`, each)),
    ];
    return seal(join(header, sources), clock);
  }

  async #restore(): Promise<void> {
    const { follower, clock } = this.#parts;
    try {
      const sections = await Sections.open(await readFile(this.#file), clock);
      const { state, vectors } = await this.#stateIn(sections);
      await follower.resume(state, vectors);
      this.#written = `${state.epoch}@${state.after}`;
    } catch (error) {
      if (Object(error).code === 'ENOENT') return;
      if (error instanceof UnavailableError) throw error;
      this.#failure = `the snapshot ${this.#file} was not used: ${messageOf(error)}`;
    }
  }

  /** Throws SnapshotError. */
  async #stateIn(sections: Sections) {
    const { kind, layout, index, epoch, generation, model, names } = sections.header;
    const own = this.#parts.prefix + this.#parts.index;
    if (kind !== 'follower' || index !== own)
      throw new SnapshotError('foreign', `it is not one of the index "${own}"`);
    if (layout !== LAYOUT) throw new SnapshotError('version', `its layout is ${layout}, and not ${LAYOUT}`);
    const part = (name: string): Buffer => Buffer.from(sections.copy(name, sections.sizeOf(name)));
    const documents = await parsed(part('documents'), this.#parts.clock);
    const { counts, leaving, waiting, unreadable } = JSON.parse(part('rest').toString()) as Rest;
    const bytes = new Map(
      (names as readonly string[]).map((name, at) => {
        const part = `vectors ${at}`;
        return [name, sections.view(part, sections.sizeOf(part))] as const;
      }),
    );
    const state: FollowerState = {
      ...{ epoch: String(epoch), after: sections.whole('after'), generation: String(generation) },
      ...{ model: model as Model, documents, leaving, waiting, unreadable },
    };
    return { state, vectors: { bytes, counts } };
  }
}

/** A line for each page. */
async function printed(documents: readonly Kept[], clock: Clock): Promise<Buffer> {
  const slices = new Slices(clock);
  const lines: Buffer[] = [];
  for (let from = 0; from < documents.length; from += PAGE) {
    const page = documents
      .slice(from, from + PAGE)
      .map(({ id, sequence, logged, expiry, time, attributes }): Line => {
        return [id, sequence, logged, expiry, time, attributes];
      });
    lines.push(Buffer.from(`${JSON.stringify(page)}\n`));
    await slices.next();
  }
  return Buffer.concat(lines);
}

async function parsed(text: Buffer, clock: Clock): Promise<Kept[]> {
  const slices = new Slices(clock);
  const documents: Kept[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf(NEWLINE, from);
    const page = JSON.parse(text.toString('utf8', from, end)) as readonly Line[];
    for (const [id, sequence, logged, expiry, time, attributes] of page)
      documents.push({ id, sequence, logged, expiry, time, attributes });
    from = end + 1;
    await slices.next();
  }
  return documents;
}
