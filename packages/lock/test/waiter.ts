/** A program for the tests that kill it: waits for the lease on "r", and says so. Arguments: the nodes' URLs. */
import { writeSync } from 'node:fs';
import { createLocks } from '@holdfast/lock';
import { LONG } from './deployment.js';

const locks = createLocks({ nodes: process.argv.slice(2), ...LONG });
const winning = locks.acquire('r', { wait: 60_000 });
writeSync(1, 'waiting\n');
await winning;
writeSync(1, 'won\n');
