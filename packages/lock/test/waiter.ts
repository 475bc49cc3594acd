/** A program for the tests that kill it: waits for a lease, and says so. Arguments: the resource, the URLs of the nodes. */
import { writeSync } from 'node:fs';
import { createLocks } from '@holdfast/lock';
import { LONG } from './deployment.js';

const [resource = '', ...nodes] = process.argv.slice(2);
const locks = createLocks({ nodes, ...LONG });
const winning = locks.acquire(resource, { wait: 60_000 });
writeSync(1, 'waiting\n');
await winning;
writeSync(1, 'won\n');
