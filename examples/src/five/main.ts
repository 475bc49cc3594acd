/** The samples of the README of the repository, one after another. */
import { stop } from '../nodes.js';

await import('./lease.js');
await import('./queue.js');
await import('./workflow.js');
await import('./features.js');
await import('./vectors.js');
await stop();
