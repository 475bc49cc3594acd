/**
 * An S3 server for tests: PutObject, GetObject, DeleteObject and their conditions over real HTTP, with ETags that are
 * MD5 of the content as S3's are. It keeps one bucket in memory, checks no signatures, and can be told to fail.
 *
 * Guarantees: a put is judged and carried out in one turn of the event loop, unless `enforcement` says otherwise.
 * `next` is what happens to the next puts, one word a put; then all is well again.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/**
 * Breaches of S3's promises. "looks, then leaps": a condition is judged before other puts that then come first.
 * "ETags without content": the ETag is the length. "reads of yesterday": a read sees the object as it was before the
 * last put.
 */
export type Enforcement =
  | 'strict'
  | 'ignores If-Match'
  | 'ignores If-None-Match'
  | 'looks, then leaps'
  | 'drops metadata'
  | 'ETags without content'
  | 'reads of yesterday';

/**
 * "409": the conflict, not carried out; "409 done": carried out nevertheless; "lost": carried out, and the connection
 * broken instead of an answer; "dropped": broken, not carried out; "silent": carried out, never answered; "gone": the
 * object is deleted past the guard just before; "501", "503", "403": that status.
 */
export type Fault = '409' | '409 done' | 'lost' | 'dropped' | 'silent' | 'gone' | '501' | '503' | '403';

interface Entry {
  readonly body: Buffer;
  readonly etag: string;
  readonly headers: Record<string, string>;
}

const KEPT = /^(x-amz-meta-.*|content-(type|encoding|disposition|language)|cache-control)$/;

export class S3Server implements AsyncDisposable {
  readonly objects = new Map<string, Entry>();
  readonly next: Fault[] = [];
  /** How many requests of each method were received. */
  readonly received: Record<string, number> = {};
  enforcement: Enforcement = 'strict';
  /** Whether it breaks every connection. */
  away = false;
  /** With versions, a deleted object answers 404 with a delete marker. */
  versioned = false;
  /** Called when a put was carried out, before it is answered. */
  afterPut: (path: string) => void | Promise<void> = () => {};
  #looks = 0;
  readonly #before = new Map<string, Entry>();
  readonly #deleted = new Set<string>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Puts an object as a program does that knows nothing of guards. */
  putPast(path: string, body: string, headers: Record<string, string> = {}, etag?: string): void {
    const entry = this.#keep(path, Buffer.from(body), headers);
    if (etag !== undefined) this.objects.set(path, { ...entry, etag });
  }

  deletePast(path: string): void {
    if (this.objects.delete(path) && this.versioned) this.#deleted.add(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '', this.url).pathname);
    const { method = '' } = request;
    if (this.away) return void response.destroy();
    this.received[method] = (this.received[method] ?? 0) + 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (!path.startsWith('/bucket/')) return refuse(response, 404, 'NoSuchBucket');
    if (method === 'PUT') return this.#put(path, Buffer.concat(chunks), request.headers, response);
    if (method === 'GET') return this.#get(path, response);
    if (method !== 'DELETE') return refuse(response, 501, 'NotImplemented');
    this.deletePast(path);
    response.writeHead(204).end();
  }

  #get(path: string, response: ServerResponse): void {
    const stale = this.enforcement === 'reads of yesterday' ? this.#before.get(path) : undefined;
    const entry = stale ?? this.objects.get(path);
    if (entry === undefined) {
      if (this.#deleted.has(path)) response.setHeader('x-amz-delete-marker', 'true');
      refuse(response, 404, 'NoSuchKey');
      return;
    }
    response.writeHead(200, { ...entry.headers, etag: entry.etag }).end(entry.body);
  }

  async #put(...args: [string, Buffer, IncomingHttpHeaders, ServerResponse]): Promise<void> {
    const [path, body, headers, response] = args;
    const fault = this.next.shift();
    if (fault === 'dropped') return void response.destroy();
    if (fault === '409') return refuse(response, 409, 'ConditionalRequestConflict');
    if (fault === '501') return refuse(response, 501, 'NotImplemented');
    if (fault === '503') return refuse(response, 503, 'SlowDown');
    if (fault === '403') return refuse(response, 403, 'AccessDenied');
    if (fault === 'gone') this.deletePast(path);
    const status = this.#judge(path, headers);
    if (status !== 200) return refuse(response, status, status === 404 ? 'NoSuchKey' : 'PreconditionFailed');
    if (this.enforcement === 'looks, then leaps') await this.#anotherLook();
    const { etag } = this.#keep(path, body, headers);
    await this.afterPut(path);
    if (fault === 'lost') return void response.destroy();
    if (fault === '409 done') return refuse(response, 409, 'ConditionalRequestConflict');
    if (fault !== 'silent') response.writeHead(200, { etag }).end();
  }

  /** Waits until another put has been judged, but not for ever. */
  async #anotherLook(): Promise<void> {
    this.#looks += 1;
    const seen = this.#looks;
    for (let turns = 0; this.#looks === seen && turns < 200; turns += 1) await turn();
  }

  #judge(path: string, { 'if-match': match, 'if-none-match': none }: IncomingHttpHeaders): number {
    const entry = this.objects.get(path);
    if (none !== undefined && entry && this.enforcement !== 'ignores If-None-Match') return 412;
    if (match === undefined || this.enforcement === 'ignores If-Match') return 200;
    if (entry === undefined) return 404;
    return match === entry.etag ? 200 : 412;
  }

  #keep(path: string, body: Buffer, headers: IncomingHttpHeaders): Entry {
    const kept = Object.entries(headers).filter(([name]) => KEPT.test(name));
    const digest = createHash('md5').update(body).digest('hex');
    const before = this.objects.get(path);
    if (before !== undefined) this.#before.set(path, before);
    const entry = {
      body,
      etag: this.enforcement === 'ETags without content' ? `"${body.length}"` : `"${digest}"`,
      headers: (this.enforcement === 'drops metadata' ? {} : Object.fromEntries(kept)) as Record<
        string,
        string
      >,
    };
    this.objects.set(path, entry);
    this.#deleted.delete(path);
    return entry;
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>test</Message></Error>`);
}
