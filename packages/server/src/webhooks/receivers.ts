/**
 * The file of receivers: to which origins webhooks may go, with the secrets that sign what is sent there.
 *
 * Guarantees: a webhook goes to an origin of the file only, signed with the secrets of that origin: whoever may define webhooks
 * has nothing signed for another receiver. The file is read again when it changes.
 */
import { type Clock, MisuseError } from '@holdfast/kernel';
import { z } from 'zod';
import { PolledFile } from '../auth/polled-file.js';

const FILE = z.strictObject({
  receivers: z
    .array(
      z.strictObject({
        /** Such as "https://hooks.example.org". */
        origin: z.string(),
        /** Each signs, so that a receiver may know any of them while they are changed: 24 bytes or more, in base64. */
        secrets: z
          .array(z.string().regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/))
          .min(1)
          .max(5),
        /** Whether it may have an address of a private network, and no TLS. */
        private: z.boolean().default(false),
      }),
    )
    .max(1_000),
});

export interface Receiver {
  readonly origin: string;
  readonly secrets: readonly Buffer[];
  readonly isPrivate: boolean;
}

type Receivers = ReadonlyMap<string, Receiver>;

export class ReceiverFile {
  readonly #file: PolledFile<Receivers>;

  /** Rejects with MisuseError if it cannot be read or is wrong. */
  static async open(path: string, clock: Clock): Promise<ReceiverFile> {
    return new ReceiverFile(
      await PolledFile.open({ what: 'The receivers of webhooks', path, clock, parse: readReceivers }),
    );
  }

  private constructor(file: PolledFile<Receivers>) {
    this.#file = file;
  }

  /** Why the file could not be read when it was last looked at; undefined if it could. */
  get problem(): string | undefined {
    return this.#file.problem;
  }

  /** That of a URL; undefined if webhooks may not go there. */
  of(url: string): Receiver | undefined {
    return URL.canParse(url) ? this.#file.content.get(new URL(url).origin) : undefined;
  }

  close(): void {
    this.#file.close();
  }
}

function readReceivers(text: string): Receivers {
  const parsed = FILE.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MisuseError(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const receivers = new Map<string, Receiver>();
  for (const { origin, secrets, private: isPrivate } of parsed.data.receivers) {
    const protocols = isPrivate ? ['https:', 'http:'] : ['https:'];
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    if (url?.origin !== origin || !protocols.includes(url.protocol)) {
      throw new MisuseError(
        `"${origin}" is no origin such as https://hooks.example.org; only one that is private may have http`,
      );
    }
    const keys = secrets.map((secret) => Buffer.from(secret.slice('whsec_'.length), 'base64'));
    receivers.set(origin, { origin, secrets: keys, isPrivate });
  }
  return receivers;
}
