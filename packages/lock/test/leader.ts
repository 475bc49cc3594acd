/** A program for the tests that kill it: leads "killed", and says so. Arguments: the nodes' URLs. */
import { writeSync } from 'node:fs';
import { createLocks } from '@holdfast/lock';
import { SHORT } from './deployment.js';

const locks = createLocks({ nodes: process.argv.slice(2), ...SHORT, maxTtl: 30_000 });
await locks.election('killed', { ttl: 1_000 }).campaign();
writeSync(1, 'leads\n');
setInterval(() => {}, 60_000);
