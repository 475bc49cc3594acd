/**
 * An object that only the latest holder can write. The sample of the README of @holdfast/fence for objects.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocks } from '@holdfast/lock';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const path = await mkdtemp(join(tmpdir(), 'holdfast-'));

// #region readme
import { StaleTokenError } from '@holdfast/fence';
import { createObjectGuard, directoryStore } from '@holdfast/fence/object-store';

const store = directoryStore({ path }); // or s3Store({ client: new S3Client(), bucket: 'reports' })
const guard = createObjectGuard({ store });
const early = await guard.seal(await locks.acquire('totals.json', { ttl: 200 })); // and never extended
const later = await guard.seal(await locks.acquire('totals.json')); // granted when that has run out
const { sum } = JSON.parse(String((await later.read()) ?? '{"sum":0}'));
await later.write({ body: JSON.stringify({ sum: sum + 5 }), contentType: 'application/json' });
await early.write('{"sum":1}').catch((error: unknown) => {
  if (error instanceof StaleTokenError) console.log(`refused: ${error.offered} is below ${error.seen}`);
});
console.log(String(await guard.read('totals.json'))); // {"sum":5}
// #endregion readme

await locks.close();
await stop();
await rm(path, { recursive: true });
