/**
 * Builds the dashboard into the package of the server, which serves what it finds there.
 *
 * Guarantees: everything comes from the server itself: no script, style, font or picture of another host, and nothing
 * inline, so that the policy of its pages (default-src 'self') refuses none of it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const FONTS = ['inter', 'jetbrains-mono'];

/** The licence of the fonts asks to be shipped with them. */
const licences: Plugin = {
  name: 'licences of fonts',
  generateBundle() {
    for (const font of FONTS) {
      const text = readFileSync(at(`../../../node_modules/@fontsource-variable/${font}/LICENSE`), 'utf8');
      this.emitFile({ type: 'asset', fileName: `assets/${font}-LICENSE.txt`, source: text });
    }
  },
};

export default defineConfig({
  root: at('.'),
  plugins: [licences],
  build: {
    outDir: at('../dist/dashboard'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:7400' } },
});
