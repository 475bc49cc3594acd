/**
 * API keys: `hf_<id>_<secret>`, of which a file keeps the SHA-256 with a subject, scopes and limits. The file is read again
 * when its content changes.
 *
 * Guarantees: a secret is compared in constant time, also where the id is unknown. A file that cannot be read leaves the
 * last one that could in force, and `problem` says so; an empty list admits nobody. No message shows a key.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { type Clock, MisuseError, type Random } from '@holdfast/kernel';
import { z } from 'zod';
import { UnauthenticatedError } from '../errors.js';
import { type Limits, QUOTAS, quotasSchema } from '../quotas/limits.js';
import { type Caller, callerOf } from './caller.js';
import { PolledFile } from './polled-file.js';
import { readScope } from './scopes.js';

const KEY = /^hf_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;

const FILE = z.strictObject({
  /** While it says so, the servers that read the file change nothing. */
  readOnly: z.boolean().default(false),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9]{1,32}$/),
        /** SHA-256 of the key, in hexadecimal. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        subject: z.string().min(1).max(200),
        scopes: z.array(z.string()).max(200),
        notAfter: z.iso.datetime({ offset: true }).optional(),
        addresses: z.array(z.string()).optional(),
        quotas: quotasSchema.optional(),
      }),
    )
    .max(10_000),
});

interface Key {
  readonly caller: Caller;
  readonly sha256: Buffer;
  /** In ms since the epoch. */
  readonly notAfter: number;
  readonly addresses: BlockList | undefined;
}

const NO_KEY = Buffer.alloc(32);

interface Keys {
  readonly keys: ReadonlyMap<string, Key>;
  readonly readOnly: boolean;
}

export class KeyFile {
  readonly #file: PolledFile<Keys>;
  readonly #clock: Clock;

  /**
   * Reads the file. `onRead` is told of each content that is put in force. Rejects with MisuseError if it cannot be read or is
   * wrong.
   */
  static async open(path: string, clock: Clock, onRead: (keys: number) => void): Promise<KeyFile> {
    const parse = (text: string): Keys => {
      const read = readKeys(text);
      onRead(read.keys.size);
      return read;
    };
    return new KeyFile(await PolledFile.open({ what: 'The keys', path, clock, parse }), clock);
  }

  private constructor(file: PolledFile<Keys>, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Why the file could not be read when it was last looked at; undefined if it could. */
  get problem(): string | undefined {
    return this.#file.problem;
  }

  /** Whether the file says that nothing is to be changed. */
  get readOnly(): boolean {
    return this.#file.content.readOnly;
  }

  /** Who has this key. Throws UnauthenticatedError. */
  authenticate(key: string, address: string): Caller {
    const [, id = ''] = KEY.exec(key) ?? [];
    const known = this.#file.content.keys.get(id);
    const isRight = timingSafeEqual(digest(key), known?.sha256 ?? NO_KEY);
    if (!known || !isRight) throw new UnauthenticatedError('The key is not one that this server accepts.');
    return this.#inForce(known, address);
  }

  /** Who has the key of this id, which was authenticated before. Throws UnauthenticatedError. */
  recall(id: string, address: string): Caller {
    const known = this.#file.content.keys.get(id);
    if (!known) throw new UnauthenticatedError('The key is not one that this server accepts any more.');
    return this.#inForce(known, address);
  }

  #inForce(known: Key, address: string): Caller {
    if (this.#clock.wall() / 1_000 >= known.notAfter) {
      throw new UnauthenticatedError('The key has expired; ask for another.');
    }
    if (known.addresses && !known.addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) {
      throw new UnauthenticatedError('The key is not accepted from this address.');
    }
    return known.caller;
  }

  close(): void {
    this.#file.close();
  }
}

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Throws for a file that is wrong anywhere: half of it is never in force. */
function readKeys(text: string): Keys {
  const parsed = FILE.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MisuseError(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const keys = new Map<string, Key>();
  for (const { id, sha256, subject, scopes, notAfter, addresses, quotas } of parsed.data.keys) {
    if (keys.has(id)) throw new MisuseError(`the id "${id}" stands there twice`);
    keys.set(id, {
      caller: callerOf({ subject, keyId: id, scopes: scopes.map(readScope), quotas }),
      sha256: Buffer.from(sha256, 'hex'),
      notAfter: notAfter === undefined ? Number.POSITIVE_INFINITY : Date.parse(notAfter),
      addresses: addresses && readAddresses(addresses),
    });
  }
  return { keys, readOnly: parsed.data.readOnly };
}

function readAddresses(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = '', bits] = text.split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > most) {
      throw new MisuseError(`"${text}" is no address or network such as 10.0.0.0/8`);
    }
    list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** What `createKey` makes: the key, which nobody keeps, and its entry in the file. */
export interface CreatedKey {
  readonly key: string;
  readonly entry: {
    readonly id: string;
    readonly sha256: string;
    readonly subject: string;
    readonly scopes: readonly string[];
    readonly notAfter?: string;
    readonly quotas?: Limits;
  };
}

/** Makes a key of 256 random bits. Throws MisuseError for scopes and quotas that cannot be read. */
export function createKey(
  { subject, scopes, notAfter, quotas }: Omit<CreatedKey['entry'], 'id' | 'sha256'>,
  random: Random,
): CreatedKey {
  for (const scope of scopes) readScope(scope);
  const { error } = quotasSchema.optional().safeParse(quotas);
  if (error) throw new MisuseError(`quotas are whole numbers by the names ${QUOTAS.join(', ')}`);
  const id = random.id();
  const key = `hf_${id}_${randomBytes(32).toString('base64url')}`;
  const sha256 = digest(key).toString('hex');
  const limits = { ...(notAfter !== undefined && { notAfter }), ...(quotas && { quotas }) };
  return { key, entry: { id, sha256, subject, scopes, ...limits } };
}
