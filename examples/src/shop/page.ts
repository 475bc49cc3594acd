/**
 * The files of the page, and the sources that it links to.
 *
 * Guarantees: nothing is served but what is listed here. The page loads nothing from elsewhere, and nobody else shows it in a
 * frame.
 */
import { readFile } from 'node:fs/promises';

export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;

/** This module is in src/shop or in dist/shop. */
const SOURCES = new URL('../../src/shop/', import.meta.url);
const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript', ts: 'text/plain' } as const;

const FILES: ReadonlyMap<string, string> = new Map([
  ['/', 'page/page.html'],
  ['/page.css', 'page/page.css'],
  ...['page', 'drawings'].map((name) => [`/${name}.js`, `page/${name}.js`] as const),
  ...['accounts', 'orders', 'pictures', 'recommendations', 'search', 'stage/faults'].map(
    (name) => [`/source/${name}.ts`, `${name}.ts`] as const,
  ),
]);

export async function fileOf(path: string) {
  const file = FILES.get(path);
  if (file === undefined) return undefined;
  const type = TYPES[file.split('.').at(-1) as keyof typeof TYPES];
  return {
    body: await readFile(new URL(file, SOURCES)),
    headers: { 'content-type': `${type}; charset=utf-8` },
  };
}
