/** Articles in the examples of vector stores, with the vectors that a model gave them. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ARTICLES = [
  { id: 'reset', title: 'Reset your password', product: 'account', vector: [0.9, 0.1, 0.1] },
  { id: 'login', title: 'Two-step verification', product: 'account', vector: [0.7, 0.5, 0.1] },
  { id: 'bills', title: 'Monthly bills', product: 'billing', vector: [0.1, 0.9, 0.2] },
  { id: 'refund', title: 'When you cancel an order', product: 'billing', vector: [0.6, 0.6, 0.4] },
] as const;

/** Of the question "I forgot my password". */
export const QUESTION = [1, 0.1, 0.1] as const;

const folder = mkdtempSync(join(tmpdir(), 'index-'));
/** Where an index can be kept. */
export const file = join(folder, 'kb.index');

export const removeFile = (): Promise<void> => rm(folder, { recursive: true });
