/**
 * TLS: the certificate of the server, and the authority whose clients alone are let in, read again when the files change.
 *
 * Guarantees: a certificate and its key are put in force together: while they do not fit each other, as between the two writes of
 * whoever renews them, the last ones that did stay, and `problem` says so. Connections that are open go on.
 */
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Clock, MisuseError, messageOf, type Timer } from '@holdfast/kernel';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Of the authority that has issued the certificates of clients: without one of those, nobody is let in. */
  readonly ca?: string | undefined;
}

/** How often the files are looked at, in ms. */
const LOOK = 5_000;

export class Tls {
  /** Why the files could not be put in force when they were last looked at; undefined if they could. */
  problem: string | undefined;
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  #content: SecureContextOptions = {};
  #timer: Timer | undefined;
  readonly #followers: ((content: SecureContextOptions) => void)[] = [];
  #closed = false;

  /** Rejects with MisuseError for files that cannot be read, or do not fit each other. */
  static async open(files: TlsFiles, clock: Clock): Promise<Tls> {
    const tls = new Tls(files, clock);
    await tls.#read();
    if (tls.problem !== undefined) throw new MisuseError(tls.problem);
    return tls;
  }

  private constructor(files: TlsFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** For `https.createServer`. */
  get options(): SecureContextOptions & {
    readonly requestCert: boolean;
    readonly rejectUnauthorized: boolean;
  } {
    const isMutual = this.#files.ca !== undefined;
    return { ...this.#content, requestCert: isMutual, rejectUnauthorized: isMutual };
  }

  /** Calls `onChange` with what is put in force from now on. */
  follow(onChange: (content: SecureContextOptions) => void): void {
    this.#followers.push(onChange);
    if (this.#followers.length === 1) this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#closed) return;
    const look = async (): Promise<void> => {
      const isChanged = await this.#read();
      if (isChanged && !this.#closed) for (const onChange of this.#followers) onChange(this.#content);
      this.#look();
    };
    this.#timer = this.#clock.after(LOOK, () => void look(), { keepAlive: false });
  }

  /** Resolves to whether there is something new. */
  async #read(): Promise<boolean> {
    const { cert, key, ca } = this.#files;
    try {
      const [certText, keyText, caText] = await Promise.all(
        [cert, key, ca].map((path) => (path === undefined ? undefined : readFile(path, 'utf8'))),
      );
      const content: SecureContextOptions = {
        ...{ cert: certText, key: keyText, minVersion: 'TLSv1.2' },
        ...(caText !== undefined && { ca: caText }),
      };
      createSecureContext(content);
      const isChanged = JSON.stringify(content) !== JSON.stringify(this.#content);
      this.#content = content;
      this.problem = undefined;
      return isChanged;
    } catch (error) {
      this.problem = `The certificate in ${cert} and its key could not be put in force: ${messageOf(error)}`;
      return false;
    }
  }
}
