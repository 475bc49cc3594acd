/**
 * Objects in S3, or in a store that speaks its protocol, through a client of @aws-sdk/client-s3 that the user has.
 *
 * Guarantees: those of a store (store.ts), as far as the server keeps its conditions. The client's own retries are
 * taken into account: a condition that fails on a later attempt is "unclear", because the first may have been carried
 * out and its answer lost. So is a 409. The client stays open; it is the user's to close.
 */
import { display, MisuseError, type Readers, readOptions, withDefault } from '@holdfast/kernel';
import { encodeMark, isMarkName, stamped, unstamp } from './stamp.js';
import type { Attributes, ObjectStore, StoredObject } from './store.js';

/** The part of an `S3Client` of @aws-sdk/client-s3 that the store uses. */
export interface S3ClientLike {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

export interface S3StoreOptions {
  /** Your `S3Client`, of @aws-sdk/client-s3 3.729 or later. */
  readonly client: S3ClientLike;
  readonly bucket: string;
  /** The beginning of the key of every object, such as "reports/". Default "". */
  readonly prefix?: string;
}

/** Fields of PutObject and GetObject that travel with the content, and their names as attributes. */
const FIELDS = {
  ContentType: 'content-type',
  CacheControl: 'cache-control',
  ContentDisposition: 'content-disposition',
  ContentEncoding: 'content-encoding',
  ContentLanguage: 'content-language',
} as const;
const METADATA = 'x-amz-meta-';

/** The part of the library's answers and errors that is read here. */
type Fields = { readonly [field in keyof typeof FIELDS]?: string };
interface GetAnswer extends Fields {
  readonly ETag?: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> };
}
interface Failure {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** Creates a store of objects in one bucket. Throws MisuseError for options that cannot work; sends nothing yet. */
export function s3Store(options: S3StoreOptions): ObjectStore {
  const { client, bucket, prefix } = readOptions('s3Store', options, S3);
  return new S3Store(client, bucket, prefix);
}

const S3 = {
  client: s3Client,
  bucket: nameOfBucket,
  prefix: withDefault(anyText, ''),
} satisfies Readers<S3StoreOptions>;

function s3Client(option: string, value: unknown): S3ClientLike {
  const client = value as Partial<S3ClientLike> | null | undefined;
  if (typeof client?.send === 'function') return client as S3ClientLike;
  throw new MisuseError(`${option} is an S3Client of @aws-sdk/client-s3; got ${display(value)}.`);
}

function nameOfBucket(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new MisuseError(`${option} is the name of a bucket; got ${display(value)}.`);
}

function anyText(option: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new MisuseError(`${option} is a string; got ${display(value)}.`);
}

class S3Store implements ObjectStore {
  readonly name: string;
  readonly #client: S3ClientLike;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(client: S3ClientLike, bucket: string, prefix: string) {
    this.name = `s3://${bucket}/${prefix}`;
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async get(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const { GetObjectCommand } = await commands();
    try {
      const answer = (await this.#send(new GetObjectCommand(this.#at(key)), signal)) as GetAnswer;
      const { ETag: etag, Metadata: metadata = {}, Body } = answer;
      if (etag === undefined || Body === undefined) throw new Error('the answer has no ETag or no body');
      const stored = Buffer.from(await Body.transformToByteArray());
      return { etag, ...unstamp(this.name + key, stored, metadata), attributes: attributesOf(answer) };
    } catch (error) {
      if (!isAbsent(error)) throw this.#understood(error);
      if ((error as Failure).$response?.headers?.['x-amz-delete-marker'] === 'true') {
        throw new MisuseError(
          `${this.name}${key} was deleted past the guard, and its mark with it. Remove the delete marker, ` +
            'which brings both back, or, while nobody holds it, all its versions.',
          { cause: error },
        );
      }
      return undefined;
    }
  }

  async put(
    ...[key, object, expected, signal]: Parameters<ObjectStore['put']>
  ): ReturnType<ObjectStore['put']> {
    const { PutObjectCommand } = await commands();
    const command = new PutObjectCommand({
      ...this.#at(key),
      ...fieldsOf(object.attributes),
      Metadata: { ...metadataOf(object.attributes), ...encodeMark(object.mark) },
      Body: stamped(object.body, object.mark),
      ...(expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }),
    });
    try {
      const { ETag: etag } = (await this.#send(command, signal)) as GetAnswer;
      return etag === undefined ? { word: 'unclear' } : { word: 'put', etag };
    } catch (error) {
      const { httpStatusCode: status = 0, attempts = 1 } = (error as Failure).$metadata ?? {};
      if (status === 409) return { word: 'unclear' };
      // Some stores answer 304 if an object exists that must not.
      if (status !== 412 && status !== 304 && !isAbsent(error)) throw this.#understood(error);
      return { word: attempts > 1 ? 'unclear' : 'refused' };
    }
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const { DeleteObjectCommand } = await commands();
    try {
      await this.#send(new DeleteObjectCommand(this.#at(key)), signal);
    } catch (error) {
      if (!isAbsent(error)) throw this.#understood(error);
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    const path = this.#prefix + key;
    if (path.split('/').some((part) => part === '.' || part === '..')) {
      throw new MisuseError(`A key of S3 has no part "." or ".."; got ${display(path)}.`);
    }
    return { Bucket: this.#bucket, Key: path };
  }

  #send(command: object, signal: AbortSignal): Promise<unknown> {
    return this.#client.send(command as never, { abortSignal: signal });
  }

  /** A refusal that a repetition cannot change becomes a MisuseError; anything else stays what it is. */
  #understood(error: unknown): unknown {
    const { name, message, $metadata } = error as Failure;
    const { httpStatusCode: status = 0, attempts = 1 } = $metadata ?? {};
    const passing = status === 408 || status === 429 || name === 'RequestTimeout' || attempts > 1;
    const final = status === 501 || (status >= 300 && status < 500);
    if (error instanceof MisuseError || passing || !final) return error;
    return new MisuseError(
      `${this.name} refused a request with status ${status}: ${name}: ${message}. ` +
        'Correct the bucket, the client or its permissions.',
      { cause: error },
    );
  }
}

async function commands() {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (cause) {
    throw new MisuseError('s3Store needs @aws-sdk/client-s3; npm install @aws-sdk/client-s3.', { cause });
  }
}

/** Whether there is no such object; a bucket that does not exist is a mistake, not an absent object. */
function isAbsent(error: unknown): boolean {
  const { name, $metadata } = error as Failure;
  return $metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket';
}

function attributesOf(answer: GetAnswer): Attributes {
  const fields = Object.entries(FIELDS).map(([field, name]) => [name, answer[field as keyof Fields]]);
  const metadata = Object.entries(answer.Metadata ?? {}).filter(([name]) => !isMarkName(name));
  return Object.fromEntries([
    ...fields.filter(([, value]) => value !== undefined),
    ...metadata.map(([name, value]) => [METADATA + name, value]),
  ]);
}

function fieldsOf(attributes: Attributes): Fields {
  const fields = Object.entries(FIELDS).map(([field, name]) => [field, attributes[name]]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

function metadataOf(attributes: Attributes): Record<string, string> {
  const metadata = Object.entries(attributes).filter(([name]) => name.startsWith(METADATA));
  return Object.fromEntries(metadata.map(([name, value]) => [name.slice(METADATA.length), value]));
}
