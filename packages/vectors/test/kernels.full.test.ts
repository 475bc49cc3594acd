/** The kernels that are shipped are what their sources compile to: the compiler of AssemblyScript takes many seconds. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('are what the sources compile to', async () => {
  const { compiled } = (await import(new URL('../assembly/compile.mjs', import.meta.url).href)) as {
    compiled: () => Promise<string>;
  };
  const kept = readFileSync(new URL('../src/kernel/wasm.ts', import.meta.url), 'utf8');
  expect(kept.replaceAll(/\s/g, '')).toBe((await compiled()).replaceAll(/\s/g, ''));
}, 120_000);
