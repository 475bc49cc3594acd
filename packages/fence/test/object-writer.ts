/**
 * A program for the tests that kill it: one holder after another, each of which seals an object in a directory, reads
 * the list in it and writes it back with its own token added. Says each token that was acknowledged.
 * Arguments: the directory, the worker's number below 64.
 */
import { writeSync } from 'node:fs';
import { StaleTokenError } from '@holdfast/fence';
import { createObjectGuard, directoryStore } from '@holdfast/fence/object-store';
import { systemClock } from '@holdfast/kernel';
import { holder } from './holder.js';

const [path = '', worker = '0'] = process.argv.slice(2);
const guard = createObjectGuard({ store: directoryStore({ path }), conforms: true });
let last = 0;

for (;;) {
  // Unique to the worker, and about as high as those of the others.
  const token = Math.max(Math.floor(systemClock.wall() / 64) * 64 + Number(worker), last + 64);
  last = token;
  try {
    const sealed = await guard.seal(holder('list', token));
    const list: number[] = JSON.parse(String((await sealed.read()) ?? '[]'));
    await sealed.write(JSON.stringify([...list, token]));
    writeSync(1, `${token}\n`);
  } catch (error) {
    if (!(error instanceof StaleTokenError)) throw error;
  }
}
