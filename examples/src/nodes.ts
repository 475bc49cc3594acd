/**
 * The Redis servers that the examples run on: those of HOLDFAST_NODES (lock nodes, comma-separated URLs) and REDIS_URL
 * (the data); what is not set is started on this machine for as long as the example runs, and set.
 *
 * Guarantees: importing this waits until the servers can be used. `stop` ends what was started here, and nothing else.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';

const started: LocalNodes[] = [];

async function startLockNodes(): Promise<string> {
  const local = await startNodes(5);
  started.push(local);
  const locks = createLocks({ nodes: local.urls, callTimeout: 5_000 }); // new servers on a busy machine
  await locks.initialize(); // we have just created them: no lease can exist
  await locks.close();
  return local.urls.join(',');
}

async function startDataNode(): Promise<string> {
  const local = await startNodes(1);
  started.push(local);
  const [url = ''] = local.urls;
  const guard = createRedisGuard({ redis: url });
  await guard.initialize(); // it is new: it has lost no mark
  await guard.close();
  return url;
}

process.env['HOLDFAST_NODES'] ||= await startLockNodes();
process.env['REDIS_URL'] ||= await startDataNode();

/** The lock nodes, as URLs. */
export const nodes: readonly string[] = process.env['HOLDFAST_NODES'].split(',');
/** The Redis that keeps the data, as a URL. */
export const data: string = process.env['REDIS_URL'];

export async function stop(): Promise<void> {
  for (const local of started) await local.stop();
}
