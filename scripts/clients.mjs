/**
 * `npm run clients`: makes the parts of the clients that follow from the operations of the server. With `--check` it
 * changes nothing, and ends with 1 if something is not as it would make it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { go } from './clients/go.mjs';
import { modelOf } from './clients/model.mjs';
import { python } from './clients/python.mjs';
import { typescript } from './clients/typescript.mjs';
import { ROOT, setup, TSC } from './setup.mjs';

setup({ redis: false });
execFileSync(TSC[0], [...TSC.slice(1), 'packages/server'], { cwd: ROOT, stdio: 'inherit' });
const { describe, OPERATIONS } = await import('@holdfast/server/testing');
const model = modelOf(describe(OPERATIONS));
const files = {
  ...placed('packages/client/src/operations', typescript(model)),
  ...placed('clients/python/holdfast', python(model)),
  ...placed('clients/go', go(model)),
};
const changed = Object.entries(files).filter(([path, text]) => textOf(path) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of changed) console.error(`${path} is not what \`npm run clients\` makes; run it.`);
  process.exitCode = changed.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of changed) write(path, text);
  console.log(`${Object.keys(files).length} files, ${changed.length} of them changed`);
}

/** By their places; TypeScript as the repository formats it. */
function placed(folder, made) {
  return Object.fromEntries(
    Object.entries(made).map(([name, text]) => {
      const path = join(folder, name);
      return [path, name.endsWith('.ts') ? formatted(path, text) : text];
    }),
  );
}

function formatted(path, text) {
  const biome = join(ROOT, 'node_modules/.bin/biome');
  const options = { cwd: ROOT, input: text, encoding: 'utf8' };
  return execFileSync(biome, ['check', '--write', `--stdin-file-path=${path}`], options);
}

function textOf(path) {
  const place = join(ROOT, path);
  return existsSync(place) ? readFileSync(place, 'utf8') : undefined;
}

function write(path, text) {
  const place = join(ROOT, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}
