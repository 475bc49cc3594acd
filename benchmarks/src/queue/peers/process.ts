/**
 * A process of `queue-peers`: it adds tasks of one peer, or handles them, as its parent asks.
 *
 * Arguments: the peer's name, the URL of its broker, and "adding" or "working". Guarantees: what fails is answered with its
 * reason. The process ends when its parent does.
 */
import { inParallel } from '../../features/stand.js';
import type { Response } from '../../harness/process.js';
import { peerOf } from './all.js';
import type { Payload, Peer, Working } from './peer.js';

/** What the process is asked for. */
export type Request =
  | { readonly do: 'add'; readonly count: number; readonly most: number }
  | { readonly do: 'add in batches'; readonly count: number; readonly batch: number }
  | { readonly do: 'add at a rate'; readonly count: number; readonly perSecond: number }
  | { readonly do: 'work'; readonly concurrency: number }
  | { readonly do: 'rest' }
  | { readonly do: 'handle'; readonly count: number };

/** What it has found. */
export interface Answer {
  /** How long it took, in ms. */
  readonly took: number;
  /** CPU time of the process, in microseconds. */
  readonly cpu: number;
  /** How many tasks were handled meanwhile. */
  readonly handled: number;
  /** Of the tasks that said when they were added, from then to the handler, in ms. */
  readonly latencies: readonly number[];
}

const TEXT = 'x'.repeat(185); // 196 bytes of JSON
const clock = (): number => performance.timeOrigin + performance.now();
const respond = (response: Response): void => void process.send?.(response);

type Work = (request: Request) => Promise<Pick<Answer, 'handled' | 'latencies'>>;

const NOTHING = { handled: 0, latencies: [] };

async function adds(peer: Peer, url: string): Promise<Work> {
  const adding = await peer.adding(url);
  return async (request) => {
    if (request.do === 'add') await inParallel(request.count, request.most, () => adding.add({ text: TEXT }));
    if (request.do === 'add in batches') {
      const batch = Array.from({ length: request.batch }, () => ({ text: TEXT }));
      for (let done = 0; done < request.count; done += request.batch) await adding.addMany(batch);
    }
    if (request.do === 'add at a rate') await atARate(request, () => adding.add({ text: TEXT, at: clock() }));
    if (request.do === 'rest') await adding.close();
    return NOTHING;
  };
}

async function atARate(
  { count, perSecond }: { count: number; perSecond: number },
  add: () => Promise<unknown>,
): Promise<void> {
  const began = performance.now();
  const all: Promise<unknown>[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const due = began + (turn * 1_000) / perSecond;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    all.push(add());
  }
  await Promise.all(all);
}

async function works(peer: Peer, url: string): Promise<Work> {
  let working: Working | undefined;
  let latencies: number[] = [];
  let [handled, wanted] = [0, 0];
  let enough = (): void => {};
  const handle = ({ at }: Payload): void => {
    handled += 1;
    if (at !== undefined) latencies.push(clock() - at);
    if (handled === wanted) enough();
  };
  return async (request) => {
    if (request.do === 'rest') {
      await working?.close();
      handled = 0;
    }
    if (request.do === 'work') working = await peer.working(url, request.concurrency, handle);
    if (request.do === 'handle') {
      wanted = request.count;
      const before = handled;
      if (handled < wanted) {
        await new Promise<void>((resolve) => {
          enough = resolve;
        });
      }
      const found = { handled: handled - before, latencies };
      latencies = [];
      return found;
    }
    return NOTHING;
  };
}

async function serve([name = '', url = '', role]: readonly string[]): Promise<void> {
  const peer = peerOf(name);
  const work = await (role === 'adding' ? adds(peer, url) : works(peer, url));
  process.on('message', async (request: Request) => {
    const [began, before] = [performance.now(), process.cpuUsage()];
    try {
      const found = await work(request);
      const { user, system } = process.cpuUsage(before);
      const result: Answer = { took: performance.now() - began, cpu: user + system, ...found };
      respond({ result });
    } catch (error) {
      respond({ error: (error as Error).stack ?? String(error) });
    }
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => respond({ error: String(error) }));
