/**
 * The same operations without a queue, to see what the pipeline costs: makes both versions of every picture of one part of
 * a folder, when it is told to go by a line on its input. `raw.ts <folder> <part> <parts>`.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { operations } from './operations.js';

const [folder = '', part = '0', parts = '1'] = process.argv.slice(2);
const names = (await readdir(folder)).filter((_, index) => index % Number(parts) === Number(part));
for (const form of Object.keys(operations)) await mkdir(join(folder, '..', form), { recursive: true });

console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) break;
for (const name of names) {
  const original = await readFile(join(folder, name));
  for (const [form, make] of Object.entries(operations))
    await writeFile(join(folder, '..', form, name), await make(original));
}
process.exit(0);
