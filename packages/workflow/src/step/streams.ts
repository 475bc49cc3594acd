/**
 * The streams of one attempt, by their names.
 */
import { display, MisuseError } from '@holdfast/kernel';
import { type StepStream, StreamWriter, type StreamWriterOptions } from './stream-writer.js';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A name of a stream. Throws MisuseError. */
export function requireStreamName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new MisuseError(
    `The name of a stream is 1 to 64 letters, digits, "_" and "-"; got ${display(name)}.`,
  );
}

export class AttemptStreams {
  readonly #options: Omit<StreamWriterOptions, 'name'>;
  readonly #writers = new Map<string, StreamWriter>();

  constructor(options: Omit<StreamWriterOptions, 'name'>) {
    this.#options = options;
  }

  /** The same for each name. Throws MisuseError. */
  of(name: string): StepStream {
    const known = this.#writers.get(requireStreamName(name));
    if (known) return known;
    const writer = new StreamWriter({ ...this.#options, name });
    this.#writers.set(name, writer);
    return writer;
  }

  /** Resolves when all that was written is in its stream. Rejects with the first error. */
  async flush(): Promise<void> {
    for (const writer of this.#writers.values()) await writer.flush();
  }
}
