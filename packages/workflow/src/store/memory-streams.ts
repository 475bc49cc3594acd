/**
 * The streams of the runs of a partition in memory: what lua/streams.lua, append.lua and chunks.lua do.
 */
import { nameOf, type RunRef } from './claim.js';
import type { Appended, AppendRequest, Chunks, ChunksRequest } from './stream-store.js';

interface Stream {
  readonly entries: string[];
  /** The latest attempt that has written, by step. */
  readonly latest: Map<string, { readonly token: number; readonly count: number }>;
  /** The mailboxes of those who wait for more. */
  readonly waiting: Set<string>;
}

export class MemoryStreams {
  readonly #mail: (mailbox: string, text: string) => void;
  /** By run and generation. */
  readonly #runs = new Map<string, Map<string, Stream>>();

  constructor(mail: (mailbox: string, text: string) => void) {
    this.#mail = mail;
  }

  /** Of a run that its owner has. */
  append(request: AppendRequest): Appended {
    const { stream, step, attempt, index, chunks } = request;
    const { entries, latest } = this.#of(request, stream);
    const known = latest.get(step);
    if (known && attempt < known.token) return { word: 'stale', count: 0 };
    const before = known?.token === attempt ? known.count : 0;
    if (index > before) return { word: 'gap', count: before };
    const fresh = chunks.slice(before - index);
    if (fresh.length === 0) return { word: 'appended', count: before };
    if (known && known.token !== attempt) entries.push(`r ${attempt} ${step}`);
    entries.push(...fresh.map((chunk, place) => `c ${attempt} ${before + place} ${step}\n${chunk}`));
    const count = before + fresh.length;
    latest.set(step, { token: attempt, count });
    this.#tellReaders(request, stream);
    return { word: 'appended', count };
  }

  chunks(request: ChunksRequest, isLive: boolean): Chunks {
    const { stream, passed, head, mailbox } = request;
    const { entries, latest, waiting } = this.#of(request, stream);
    const isSame = passed === 0 || entries[passed - 1]?.split('\n', 1)[0] === head;
    const from = isSame ? passed : 0;
    const found = entries.slice(from, from + 1_000);
    const isAll = from + found.length >= entries.length;
    if (isLive && isAll && mailbox !== '') waiting.add(mailbox);
    const word = isLive ? 'open' : 'over';
    return {
      word: isAll ? word : 'more',
      passed: from,
      latest: new Map([...latest].map(([step, { token }]) => [step, token])),
      entries: found,
    };
  }

  /** The run is over. */
  end(run: RunRef): void {
    for (const stream of this.#runs.get(nameOf(run))?.keys() ?? []) this.#tellReaders(run, stream);
  }

  /** What was written by steps that a run keeps which begins over a part of a journal. */
  copy(from: RunRef, to: RunRef): void {
    for (const [name, { entries, latest }] of this.#runs.get(nameOf(from)) ?? []) {
      const copy = this.#of(to, name);
      copy.entries.push(...entries);
      for (const [step, attempt] of latest) copy.latest.set(step, attempt);
    }
  }

  forget(run: RunRef): void {
    this.#runs.delete(nameOf(run));
  }

  #of(run: RunRef, name: string): Stream {
    const streams = this.#runs.get(nameOf(run)) ?? new Map<string, Stream>();
    this.#runs.set(nameOf(run), streams);
    const stream = streams.get(name) ?? { entries: [], latest: new Map(), waiting: new Set() };
    streams.set(name, stream);
    return stream;
  }

  #tellReaders(run: RunRef, stream: string): void {
    const { waiting } = this.#of(run, stream);
    const mailboxes = [...waiting];
    waiting.clear();
    for (const mailbox of mailboxes) this.#mail(mailbox, `c${run.run}\n${stream}`);
  }
}
