/**
 * Steps write chunks as a model gives its tokens, and another process reads them while they are written.
 *
 * Guarantees: every reader gets every chunk of its stream, once and in order, or the measurement fails.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { number, numberSpread } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario } from './scenario.js';

interface Talk {
  /** When the first chunk is due, by `now`. */
  readonly from: number;
  readonly chunks: number;
  /** Between two chunks of the stream, in ms. */
  readonly gap: number;
}

interface Chunk {
  readonly index: number;
  readonly at: number;
  readonly text: string;
}

const talk = defineWorkflow({ name: 'talk' }, (ctx, { from, chunks, gap }: Talk) =>
  ctx.step('talk', async (step) => {
    const stream = step.stream('tokens');
    for (let index = 0; index < chunks; index += 1) {
      const early = from + index * gap - now();
      if (early > 0) await pause(early);
      await stream.write({ index, at: now(), text: ' token' } satisfies Chunk);
    }
    return now();
  }),
);

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [talk] });
  workflows.work({ concurrency: 1_000 });
  return {};
};

interface Read {
  /** From the write of each chunk to its reader, in ms. */
  readonly delays: number[];
  readonly chunks: number;
  readonly wrong: number;
  /** From the first write to the last. */
  readonly time: number;
}

const reader: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [talk] });
  return {
    read: async ({
      streams,
      chunks,
      gap,
    }: {
      streams: number;
      chunks: number;
      gap: number;
    }): Promise<Read> => {
      const begin = now() + 1_000; // by then all runs have begun
      const delays: number[] = [];
      let [got, wrong, first, last] = [0, 0, Number.POSITIVE_INFINITY, 0];
      const readOne = async (stream: number): Promise<void> => {
        const from = begin + (gap * stream) / streams;
        const run = await workflows.start(talk, { from, chunks, gap });
        let expected = 0;
        for await (const item of run.stream<Chunk>('tokens')) {
          if (item.kind !== 'chunk') {
            wrong += 1;
            continue;
          }
          const { index, at } = item.chunk;
          delays.push(now() - at);
          got += 1;
          if (index !== expected) wrong += 1;
          expected = index + 1;
          first = Math.min(first, at);
          last = Math.max(last, at);
        }
        if (expected !== chunks) wrong += 1;
        await run.result();
      };
      await Promise.all(Array.from({ length: streams }, (_, stream) => readOne(stream)));
      return { delays, chunks: got, wrong, time: last - first };
    },
  };
};

/** Streams that go on at a time, and chunks a second of each. */
const STREAMS = 100;
const RATES = [10, 25, 50];

export const tokens: Scenario = {
  roles: { worker, reader },
  async measure(stage) {
    const seconds = stage.quick ? 1 : 6;
    const rows: string[][] = [];
    const data: object[] = [];
    let atFull = { rates: [0], p99: [0] };
    for (const rate of RATES) {
      const [rates, p50, p99]: number[][] = [[], [], []];
      const [writers, readers, servers]: number[][] = [[], [], []];
      for (let round = 0; round < stage.rounds; round += 1) {
        stage.progress(`${STREAMS * rate} chunks/s, round ${round + 1}`);
        await stage.clear();
        const writing = await stage.start('worker');
        const reading = await stage.start('reader');
        const chunks = rate * seconds;
        await reading.ask('read', { streams: 10, chunks: 20, gap: 10 }); // warms up
        const before = [await writing.usage(), await reading.usage()];
        const [served = 0] = await stage.observer.cpuOfEach();
        const read = await reading.ask<Read>('read', { streams: STREAMS, chunks, gap: 1_000 / rate });
        expectSame('the number of chunks', read.chunks, STREAMS * chunks);
        expectSame('the number of chunks that are lost, doubled or out of order', read.wrong, 0);
        rates?.push((read.chunks / read.time) * 1_000);
        p50?.push(quantile(read.delays, 0.5));
        p99?.push(quantile(read.delays, 0.99));
        const [servedAfter = 0] = await stage.observer.cpuOfEach();
        servers?.push((servedAfter - served) / read.chunks);
        writers?.push(((await writing.usage()).cpu - (before[0]?.cpu ?? 0)) / read.chunks);
        readers?.push(((await reading.usage()).cpu - (before[1]?.cpu ?? 0)) / read.chunks);
      }
      atFull = { rates: rates ?? [], p99: p99 ?? [] };
      rows.push([
        number(STREAMS * rate),
        ...[rates, p50, p99, writers, readers, servers].map((each = []) => numberSpread(spread(each))),
      ]);
      data.push({ rate: STREAMS * rate, rates, p50, p99, writers, readers, servers });
    }
    const full = STREAMS * (RATES.at(-1) ?? 0);
    return {
      targets: [
        atMost(`from write to reader at ${full} chunks/s, p99 ms`, spread(atFull.p99), 10),
        atLeast(`chunks/s written of ${full}`, spread(atFull.rates), full * 0.98),
      ],
      tables: [
        {
          title: 'tokens',
          about: `${STREAMS} steps of one worker write chunks for ${seconds} s, and another process reads all of the streams: ms from the call that writes a chunk to its reader. Every chunk came once and in order.`,
          columns: [
            'chunks/s offered',
            'written',
            'p50 ms',
            'p99 ms',
            'worker CPU µs/chunk',
            'reader CPU µs/chunk',
            'Redis CPU µs/chunk',
          ],
          rows,
        },
      ],
      data,
    };
  },
};
