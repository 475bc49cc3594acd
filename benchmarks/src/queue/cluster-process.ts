/**
 * A process of `queue-cluster`: it adds tasks to a partitioned queue, or handles them, as its parent asks.
 *
 * Arguments: the URL of the Cluster, and "adding" or "working". The data of a task are its number and when it was added.
 * Guarantees: what fails is answered with its reason. The process ends when its parent does.
 */
import { createPartitionedQueue, createWorker } from '@holdfast/queue';
import { inParallel, usage } from '../features/stand.js';
import type { Response } from '../harness/process.js';

/** What the process is asked for. `rest` forgets what was handled, and works on nothing. */
export type ClusterRequest =
  | { readonly do: 'add'; readonly count: number; readonly perSecond: number | undefined }
  | { readonly do: 'work'; readonly concurrency: number }
  | { readonly do: 'count' }
  | { readonly do: 'look' }
  | { readonly do: 'rest' };

export interface ClusterAnswer {
  /** CPU time of the process so far, in microseconds. */
  readonly cpu: number;
  /** How many handlers have begun. */
  readonly count: number;
  /** The numbers of their tasks, in that order, where that was asked for. */
  readonly handled: Float64Array;
  /** From the call of add to the call of the handler, in ms; for each of those. */
  readonly latencies: Float64Array;
}

type Data = readonly [number: number, at: number];

const BATCH = 10;
const clock = (): number => performance.timeOrigin + performance.now();
const respond = (response: Response): void => void process.send?.(response);

const openQueue = (redis: string) =>
  createPartitionedQueue<Data>({
    ...{ redis, name: 'cluster', partitions: 12, retry: { within: 60_000 } },
    limits: { retain: { count: 120 } },
  });

type Queue = ReturnType<typeof openQueue>;

/** As many as the queue takes, or at a rate. */
async function add(queue: Queue, count: number, perSecond: number | undefined): Promise<void> {
  const began = performance.now();
  const one = async (first: number): Promise<void> => {
    const at = clock();
    const size = Math.min(BATCH, count - first);
    await queue.addMany(Array.from({ length: size }, (_, index) => ({ data: [first + index, at] })));
  };
  if (perSecond === undefined) return inParallel(Math.ceil(count / BATCH), 32, (turn) => one(turn * BATCH));
  const adds: Promise<void>[] = [];
  for (let first = 0; first < count; first += BATCH) {
    const due = began + (first * 1_000) / perSecond;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    adds.push(one(first));
  }
  await Promise.all(adds);
}

async function serve([url = '']: readonly string[]): Promise<void> {
  const queue = openQueue(url);
  let handled: number[] = [];
  let latencies: number[] = [];
  let worker: ReturnType<typeof createWorker> | undefined;
  const answer = async (request: ClusterRequest): Promise<void> => {
    if (request.do === 'add') return add(queue, request.count, request.perSecond);
    if (request.do === 'work') {
      worker = createWorker<Data, void>({
        ...{ queue: queue.partitions, concurrency: request.concurrency, lease: 5_000, grace: 1_000 },
        onError: () => {}, // of a node that is away, which is asked for
        handler: ({ data: [number, at] }) => {
          handled.push(number);
          latencies.push(clock() - at);
        },
      }) as ReturnType<typeof createWorker>;
    }
    if (request.do === 'rest') {
      await worker?.stop();
      worker = undefined;
      handled = [];
      latencies = [];
    }
  };
  process.on('message', (request: ClusterRequest) => {
    answer(request).then(
      () => {
        const result: ClusterAnswer = {
          cpu: usage().cpu,
          count: handled.length,
          handled: Float64Array.from(request.do === 'look' ? handled : []),
          latencies: Float64Array.from(request.do === 'look' ? latencies : []),
        };
        respond({ result });
      },
      (error: unknown) => respond({ error: (error as Error).stack ?? String(error) }),
    );
  });
  respond({ result: 'ready' });
}

process.on('disconnect', () => process.exit());
serve(process.argv.slice(2)).catch((error: unknown) => respond({ error: String(error) }));
