/**
 * A process that writes rows of features, when its parent asks: first to make ready, then to write.
 *
 * Argument: the URL of Redis. Guarantees: what fails is answered with its reason. The process ends when its parent does.
 */
import { setTimeout } from 'node:timers/promises';
import type { Response } from '../harness/process.js';
import { openWriter, type Work, type Writer } from './writers.js';

export type Request = { readonly prepare: Work } | 'write';

const [url = ''] = process.argv.slice(2);
let prepared: { readonly work: Work; readonly writer: Writer } | undefined;

/** Writing resolves to how long it took, in ms, and the CPU time of this process, in microseconds. */
async function carryOut(request: Request): Promise<unknown> {
  if (request !== 'write') {
    prepared = { work: request.prepare, writer: await openWriter(url, request.prepare) };
    return undefined;
  }
  if (prepared === undefined) throw new Error('Nothing was prepared.');
  const { work, writer } = prepared;
  await setTimeout(work.delay);
  const [began, before] = [performance.now(), process.cpuUsage()];
  await writer.write(work);
  const { user, system } = process.cpuUsage(before);
  const took = performance.now() - began;
  await writer.close();
  return { took, cpu: user + system };
}

process.on('message', (request: Request) => {
  carryOut(request).then(
    (result) => process.send?.({ result } satisfies Response),
    (error: unknown) => process.send?.({ error: String(error) } satisfies Response),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ result: 'ready' } satisfies Response);
