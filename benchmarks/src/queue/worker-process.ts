/**
 * A worker process of one contestant: handles tasks, and tells its parent how many, or what became of them.
 *
 * Arguments: the contestant's name, the URL, the concurrency, the lease in ms, and what it does with a task: "count",
 * "latency" or "hold" until it is told to go on. Messages to the parent: `{ ready }`, `{ handled }`, `{ begun }`, and at
 * the end `{ latencies, rss }`.
 */
import { contestants } from './contestants.js';

const [name, url = '', concurrency, lease, how] = process.argv.slice(2);
const contestant = contestants.find((one) => one.name === name);
if (!contestant) throw new Error(`There is no contestant "${name}".`);
const opened = await contestant.open(url);
const tell = (message: object): void => void process.send?.(message);

const latencies: number[] = [];
let handled = 0;
let told = 0;
let begun = 0;
let goOn = (): void => {};
const mayGoOn = new Promise<void>((resolve) => {
  goOn = resolve;
});

function report(): void {
  if (handled === told) return;
  tell({ handled: handled - told });
  told = handled;
}
const reporting = setInterval(report, 2);

await opened.work({
  concurrency: Number(concurrency),
  lease: Number(lease),
  handle: async (delivery) => {
    if (how === 'latency')
      latencies.push(performance.timeOrigin + performance.now() - (delivery.data.at ?? 0));
    if (how === 'hold') {
      begun += 1;
      tell({ begun });
      await mayGoOn;
      await delivery.progress({ by: process.pid }).catch(() => {});
      await delivery.effect().catch(() => {});
    }
    if (how === 'effect') {
      await delivery.progress({ by: process.pid });
      await delivery.effect();
    }
    handled += 1;
    return process.pid;
  },
});
process.on('message', (message) => {
  if (message === 'go on') goOn();
  if (message === 'stop') {
    clearInterval(reporting);
    report();
    tell({ latencies, rss: process.resourceUsage().maxRSS * 1024 });
    void opened.close().finally(() => process.exit());
  }
});
tell({ ready: true });
