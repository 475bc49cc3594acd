/**
 * The metrics of queues or of workflows for Prometheus: written once, or served over HTTP until the command is interrupted.
 *
 * Guarantees: each answer is read at that moment; while Redis does not answer, it is a 503.
 */
import { once } from 'node:events';
import { listen } from '@holdfast/telemetry';
import type { Arguments } from '../arguments.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { LISTEN } from '../options.js';

/** `read` gives the text. */
export async function writeMetrics(
  args: Arguments,
  context: Context,
  read: () => Promise<string>,
): Promise<number> {
  const port = args.count(LISTEN, 0, 65_535);
  const text = await read();
  if (port === undefined) {
    context.stdout.write(text);
    return EXIT.ok;
  }
  const interruption = new Interruption(context.signals);
  const endpoints = await listen(port, { metrics: [read] });
  try {
    context.stdout.write(`metrics at http://127.0.0.1:${endpoints.port}/metrics\n`);
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
  } finally {
    interruption.end();
    await endpoints.close();
  }
  return EXIT.ok;
}
