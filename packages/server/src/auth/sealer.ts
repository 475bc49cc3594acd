/**
 * Handles: what a server has to know again of a lease or a task, sealed with a key that all replicas have, so that any of them
 * recognizes it and nobody else can make one.
 *
 * Guarantees: a handle opens only for its purpose, for the subject that it was made for, and for the same stores. One that was
 * changed anywhere is refused (400). One under a key that this replica does not know, as while keys are being changed, is an
 * UnavailableError, so that nobody gives up what it holds. Handles are secrets: they are never logged.
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, MisuseError, UnavailableError } from '@holdfast/kernel';
import { z } from 'zod';
import { RequestError } from '../errors.js';
import { PolledFile } from './polled-file.js';

const KEY = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9-]{1,32}$/),
  /** 32 bytes or more, in base64url. */
  secret: z.string().regex(/^[A-Za-z0-9_-]{43,}$/),
});

const FILE = z.strictObject({ sign: KEY, accept: z.array(KEY).max(10).default([]) });

type SigningKey = z.output<typeof KEY>;

/** What a handle is for: each purpose has a key of its own. */
export type Purpose = 'lease' | 'claim' | 'ticket' | 'session' | 'webhook';

interface Keys {
  readonly sign: SigningKey;
  readonly accept: readonly SigningKey[];
}

const VERSION = 1;

export class Sealer {
  readonly #file: PolledFile<Keys> | undefined;
  readonly #keys: Keys | undefined;
  readonly #place: string;
  readonly #derived = new Map<string, Buffer>();

  /**
   * With the keys of a file; without one, with a key of this process alone. `place` names the stores behind the server.
   * Rejects with MisuseError for a file that cannot be read or is wrong.
   */
  static async open(path: string | undefined, place: readonly string[], clock: Clock): Promise<Sealer> {
    if (path === undefined) return new Sealer(createServerKey(), place);
    return new Sealer(
      await PolledFile.open({ what: 'The server key', path, clock, parse: readFileOf }),
      place,
    );
  }

  private constructor(keys: PolledFile<Keys> | Keys, place: readonly string[]) {
    if (keys instanceof PolledFile) this.#file = keys;
    else this.#keys = keys;
    this.#place = createHash('sha256').update(JSON.stringify(place)).digest('base64url');
  }

  get problem(): string | undefined {
    return this.#file?.problem;
  }

  /** Seals JSON for a subject. */
  seal(purpose: Purpose, subject: string, value: unknown): string {
    const { sign } = this.#current;
    const head = `${VERSION}.${sign.id}.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
    return `${head}.${this.#mac(sign, purpose, subject, head).toString('base64url')}`;
  }

  /** Opens what `seal` made for the same purpose and subject. Throws RequestError, UnavailableError. */
  open(purpose: Purpose, subject: string, handle: string): unknown {
    const [version, id, payload = '', mac = ''] = handle.split('.');
    if (version !== String(VERSION)) throw forged();
    const { sign, accept } = this.#current;
    const key = [sign, ...accept].find((known) => known.id === id);
    if (key === undefined) {
      throw new UnavailableError(
        'The handle is sealed with a key that this replica does not have; try again.',
        [],
      );
    }
    const right = this.#mac(key, purpose, subject, `${version}.${id}.${payload}`);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== right.length || !timingSafeEqual(given, right)) throw forged();
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  }

  close(): void {
    this.#file?.close();
  }

  get #current(): Keys {
    return this.#file?.content ?? (this.#keys as Keys);
  }

  #mac({ id, secret }: SigningKey, purpose: Purpose, subject: string, text: string): Buffer {
    const name = `${id} ${secret} ${purpose}`;
    let key = this.#derived.get(name);
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', `holdfast ${purpose}`, 32));
      if (this.#derived.size > 100) this.#derived.clear();
      this.#derived.set(name, key);
    }
    return createHmac('sha256', key)
      .update(JSON.stringify([this.#place, subject, text]))
      .digest();
  }
}

const forged = (): RequestError =>
  new RequestError('The handle is not one that this server has made for this key.', {
    fields: [{ field: 'header.holdfast-lease', message: 'is not a handle of this key' }],
  });

/** A new key to sign with, as the file has it. */
export const createServerKey = (): Keys => ({
  sign: { id: randomBytes(6).toString('hex'), secret: randomBytes(32).toString('base64url') },
  accept: [],
});

function readFileOf(text: string): Keys {
  const parsed = FILE.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MisuseError(`${issue?.path.join('.')}: ${issue?.message}`);
}
