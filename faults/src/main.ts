/**
 * `npm run faults`: the command line of the faults.
 *
 * Guarantees: exits with 0 if nothing was violated, with 1 if something was or the harness itself failed, with 2 if the
 * arguments are wrong. No server and no client outlives it.
 */
import { MisuseError, systemRandom } from '@holdfast/kernel';
import { judgeKept } from './judge.js';
import { HELP, readCall, readFolders, readPeers } from './options.js';
import { reportPeers } from './peers/index.js';
import { run } from './run.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

try {
  const args = process.argv.slice(2);
  const peers = readPeers(args);
  const folders = readFolders(args);
  const call = folders || peers ? undefined : readCall(args, () => systemRandom.id());
  if (peers)
    console.log(await reportPeers({ ...peers, signal: interrupted.signal, onProgress: console.error }));
  else if (folders) process.exitCode = judgeKept(folders, (line) => console.log(line)) ? 0 : 1;
  else if (call === undefined) console.log(HELP);
  else process.exitCode = (await run(call, interrupted.signal)) ? 0 : 1;
} catch (error) {
  if (error instanceof MisuseError) console.error(error.message);
  else console.error(error);
  process.exitCode = error instanceof MisuseError ? 2 : 1;
}
