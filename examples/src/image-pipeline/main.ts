/**
 * The reference case of the queue: pictures come in over HTTP; a first stage makes thumbnails, a second one watermarked
 * versions; each scales by itself. `main.ts [all | web | thumbnails | watermarks]`; settings are in settings.ts.
 *
 * On SIGTERM it takes no new work, finishes what it has, and hands the rest back.
 */
import type { AddressInfo } from 'node:net';
import { thumbnails, watermarks } from './settings.js';
import { startThumbnails, startWatermarks } from './stages.js';
import { startWeb } from './web.js';

const role = process.argv[2] ?? 'all';
if (!['all', 'web', 'thumbnails', 'watermarks'].includes(role)) {
  console.error(`Say all, web, thumbnails or watermarks; got "${role}".`);
  process.exit(64);
}
const plays = (part: string): boolean => role === 'all' || role === part;

const web = plays('web') ? await startWeb() : undefined;
const workers = [
  ...(plays('thumbnails') ? [startThumbnails()] : []),
  ...(plays('watermarks') ? [startWatermarks()] : []),
];
async function stop(): Promise<void> {
  web?.close();
  web?.closeAllConnections();
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all([thumbnails.close(), watermarks.close()]);
  console.log(`${role}: stopped`);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

if (web) console.log(`http://localhost:${(web.address() as AddressInfo).port}`);
console.log(`${role}: ready`);
