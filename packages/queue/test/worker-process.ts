/**
 * A program for the tests that freeze or kill it: a worker on the queue "q" with a lease of 600 ms. It says what it does,
 * a line each. Arguments: the URL, and how it handles a task: "hold" until it is told to go on by a line on its input,
 * "patient", which holds three at a time under a lease of a minute, "fast", or "die".
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createQueue, createWorker } from '@holdfast/queue';

const [url = '', how] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const lines = createInterface({ input: process.stdin });
const told = (): Promise<void> => new Promise((resolve) => lines.once('line', () => resolve()));

const queue = createQueue({ redis: url, name: 'q' });
const worker = createWorker({
  queue,
  ...(how === 'patient' ? { lease: 60_000, concurrency: 3 } : { lease: 600 }),
  grace: 60_000,
  handler: async (task) => {
    say(`began ${task.id} ${task.token} ${task.attempt}`);
    if (how === 'die') process.kill(process.pid, 'SIGKILL');
    if (how === 'fast') return 'fast';
    task.signal.addEventListener('abort', () => say(`aborted ${(task.signal.reason as Error).name}`));
    await told();
    say(`remaining ${task.lease.remaining()}`);
    await task.progress('late').then(
      () => say('progress accepted'),
      (error: Error) => say(`progress ${error.name}`),
    );
    try {
      task.effect('INCR', 'effects');
      say('effect accepted');
    } catch (error) {
      say(`effect ${(error as Error).name}`);
    }
    return 'held';
  },
});
process.on('SIGTERM', () => {
  void worker.stop().then(async () => {
    await queue.close();
    say('stopped');
    lines.close();
  });
});
