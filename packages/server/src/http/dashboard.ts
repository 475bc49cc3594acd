/**
 * Serves the dashboard: the files that its build has put into dist/dashboard.
 *
 * Guarantees: nothing is served but those files, which are read once. Its pages run no script and load nothing that is not
 * from this server, and no page of another site can show them in a frame. Where it was not built, its pages say so.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const FOLDER = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));

/** The first part of the paths of pages, which the script of the dashboard tells apart. */
const PAGES = ['', 'queues', 'locks', 'nodes', 'workflows', 'features', 'vectors', 'settings'];

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
};

interface File {
  readonly type: string;
  readonly whole: Buffer;
  /** Undefined for what is compressed already. */
  readonly compressed: Buffer | undefined;
}

const fileOf = (name: string, whole: Buffer): File => {
  const ending = name.split('.').at(-1) ?? '';
  return {
    type: TYPES[ending] ?? 'application/octet-stream',
    whole,
    compressed: ending === 'woff2' ? undefined : gzipSync(whole),
  };
};

const NOT_BUILT =
  '<!doctype html><title>Holdfast</title><p>The dashboard is not built here: run "npm run build" in the repository. The API is there: <a href="/openapi.json">/openapi.json</a>.';

export class Dashboard {
  readonly #files: ReadonlyMap<string, File>;

  /** Reads the files. */
  static async open(): Promise<Dashboard> {
    const entries = await readdir(FOLDER, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, File>();
    for (const entry of entries.filter((one) => one.isFile())) {
      const at = join(entry.parentPath ?? entry.path, entry.name);
      // One that is gone by now is of a build that another replaces.
      const whole = await readFile(at).catch(() => undefined);
      if (whole) files.set(`/${relative(FOLDER, at).split(sep).join('/')}`, fileOf(entry.name, whole));
    }
    return new Dashboard(files);
  }

  private constructor(files: ReadonlyMap<string, File>) {
    this.#files = files;
  }

  /** Whether the request is for the dashboard; then it is answered. */
  answer({ method, url = '/', headers }: IncomingMessage, response: ServerResponse): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    const [path = '/'] = url.split('?');
    const isPage = PAGES.includes(path.split('/')[1] ?? '');
    const file = isPage ? this.#page : this.#files.get(path);
    if (!file) return false;
    const isCompressed = file.compressed !== undefined && /\bgzip\b/.test(headers['accept-encoding'] ?? '');
    const body = isCompressed ? (file.compressed as Buffer) : file.whole;
    response.writeHead(200, {
      ...HEADERS,
      'content-type': file.type,
      'content-length': body.byteLength,
      vary: 'accept-encoding',
      // The names of the others change with what is in them.
      'cache-control': isPage ? 'no-cache' : 'public, max-age=31536000, immutable',
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    });
    response.end(method === 'HEAD' ? undefined : body);
    return true;
  }

  get #page(): File {
    return this.#files.get('/index.html') ?? fileOf('index.html', Buffer.from(NOT_BUILT));
  }
}
