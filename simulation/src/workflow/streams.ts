/**
 * Judges the streams of runs: the chunks of an attempt are there once and in order, and no attempt follows a later one.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { View } from './view.js';

/** Of every step, its latest attempt and how many chunks it has. */
type Latest = Map<string, { readonly token: number; readonly count: number }>;

export class Streams {
  readonly #view: View;
  readonly #violate: Violate;
  readonly #prefix: string;

  constructor(view: View, prefix: string, violate: Violate) {
    this.#view = view;
    this.#prefix = prefix;
    this.#violate = violate;
  }

  /** The server has carried out a call that appends to streams. */
  look({ verb, keys }: Call): void {
    if (verb !== 'append') return;
    for (const key of keys)
      if (key.startsWith(`${this.#prefix}c:`)) this.#judge(key.slice(this.#prefix.length));
  }

  #judge(name: string): void {
    const latest: Latest = new Map();
    for (const entry of this.#view.list(name) ?? []) {
      const [, token = '', index, step = ''] = /^c (\d+) (\d+) (\S+)\n/.exec(entry) ?? [];
      if (index === undefined) continue;
      const before = latest.get(step) ?? { token: 0, count: 0 };
      const isNext = Number(token) > before.token;
      if (Number(token) < before.token || Number(index) !== (isNext ? 0 : before.count))
        this.#violate(
          'stream',
          `${name} has chunk ${index} of ${token} of ${step} behind ${JSON.stringify(before)}`,
        );
      latest.set(step, { token: Number(token), count: Number(index) + 1 });
    }
  }
}

/** What a reader is given of the last attempts: chunks "<token> <index>" in order, and a restart before a later attempt. */
export class Reading {
  readonly #violate: Violate;
  readonly #latest: Latest = new Map();

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** Of a chunk; `chunk` is undefined for a restart, and `step` for one of all. */
  item(step: string | undefined, chunk: string | undefined): void {
    if (chunk === undefined && step === undefined) this.#latest.clear();
    else if (chunk === undefined) this.#latest.delete(step ?? '');
    else {
      const [token = 0, index] = chunk.split(' ').map(Number);
      const before = this.#latest.get(step ?? '') ?? { token, count: 0 };
      if (token !== before.token || index !== before.count)
        this.#violate('reader', `a reader is given "${chunk}" of ${step} behind ${JSON.stringify(before)}`);
      this.#latest.set(step ?? '', { token, count: before.count + 1 });
    }
  }
}
