/** A program that used hnswlib-node, with Holdfast. */

// #region readme
import { readFile, writeFile } from 'node:fs/promises';
import { createLocalIndex, restoreLocalIndex } from '@holdfast/vectors';
import { ARTICLES, file, QUESTION, removeFile } from './texts.js';

const index = createLocalIndex({ dimensions: 3 });
for (const { id, vector } of ARTICLES) index.put(id, vector); // no room to reserve, and ids are texts
index.delete('login');
await writeFile(file, await index.snapshot());

const restored = await restoreLocalIndex(await readFile(file), { dimensions: 3 });
console.log(restored.search(QUESTION, { limit: 2, filter: (id) => id !== 'bills' }).map(({ id }) => id));
// #endregion readme

await removeFile();
