/**
 * A file that is read again when its content has changed.
 *
 * Guarantees: content that cannot be read or is wrong leaves the last that was right in force, and `problem` says so.
 */
import { readFile } from 'node:fs/promises';
import { type Clock, MisuseError, messageOf, type Timer } from '@holdfast/kernel';

/** How often the file is looked at, in ms. */
const LOOK = 5_000;

interface PolledFileOptions<Content> {
  /** As errors name it, such as "The keys". */
  readonly what: string;
  readonly path: string;
  readonly clock: Clock;
  /** Throws for content that is wrong anywhere. */
  readonly parse: (text: string) => Content;
}

export class PolledFile<Content> {
  /** Why the file could not be read when it was last looked at; undefined if it could. */
  problem: string | undefined;
  readonly #options: PolledFileOptions<Content>;
  #text: string | undefined;
  #content: Content | undefined;
  #timer: Timer | undefined;
  #closed = false;

  /** Reads the file. Rejects with MisuseError if it cannot be read or is wrong. */
  static async open<Content>(options: PolledFileOptions<Content>): Promise<PolledFile<Content>> {
    const file = new PolledFile(options);
    await file.#read();
    if (file.problem !== undefined) throw new MisuseError(file.problem);
    file.#readLater();
    return file;
  }

  private constructor(options: PolledFileOptions<Content>) {
    this.#options = options;
  }

  /** The last content that was right. */
  get content(): Content {
    return this.#content as Content;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #read(): Promise<void> {
    const { what, path, parse } = this.#options;
    try {
      const text = await readFile(path, 'utf8');
      if (text !== this.#text) this.#content = parse(text);
      this.#text = text;
      this.problem = undefined;
    } catch (error) {
      // A parser's message shows what it met, which may be a secret.
      const why = error instanceof SyntaxError ? 'it is no JSON' : messageOf(error);
      this.problem = `${what} in ${path} could not be read: ${why}`;
    }
  }

  #readLater(): void {
    if (this.#closed) return;
    const again = (): void => void this.#read().then(() => this.#readLater());
    this.#timer = this.#options.clock.after(LOOK, again, { keepAlive: false });
  }
}
