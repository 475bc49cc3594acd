/**
 * `npm run kernels`: compiles the kernels into src/kernel/wasm.ts, where they are kept as base64, so that the package runs
 * from its sources. A test compares that file with what this makes of the sources.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const FLAGS = [
  '-O3',
  '--enable=simd,threads',
  '--importMemory',
  '--sharedMemory',
  '--maximumMemory=65536',
  '--runtime=stub',
  '--noAssert',
  '--use=abort=',
];

/** The text of src/kernel/wasm.ts. Throws an error with what the compiler says. */
export async function compiled() {
  let bytes;
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const { error, stderr } = await asc.main(
    ['index.ts', '--outFile=out.wasm', `--baseDir=${folder}`, ...FLAGS],
    {
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) bytes = contents;
      },
    },
  );
  if (error) throw new Error(`The kernels do not compile:\n${stderr.toString()}`);
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,100}/g);
  return `/** The kernels of assembly/, compiled by \`npm run kernels -w packages/vectors\`. Not to be changed by hand. */\nexport const WASM: string = [\n${lines.map((line) => `  '${line}',`).join('\n')}\n].join('');\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../src/kernel/wasm.ts', import.meta.url), await compiled());
}
