/**
 * Readings of sensors are messages to runs that go on for ever, one for each sensor, as in the examples: whether one process
 * keeps up with 100,000 a minute.
 *
 * Guarantees: every reading is counted once, in order, in the run of its sensor.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { number } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario } from './scenario.js';

interface Reading {
  readonly sensor: string;
  readonly index: number;
  readonly isLast: boolean;
  /** When it was due, by `now`. */
  readonly at: number;
}

interface Sum {
  readonly count: number;
  readonly wrong: number;
}

/** In this process: the delays of readings, in ms, and the last reading of each sensor that was seen. */
const delays: number[] = [];
const seen = new Map<string, number>();

/** A replay comes past a reading again. */
function see({ sensor, index, at }: Reading): void {
  if (index <= (seen.get(sensor) ?? -1)) return;
  seen.set(sensor, index);
  delays.push(now() - at);
}

/** Readings of which the sum is pushed on. */
const MINUTE = 60;

const sensor = defineWorkflow(
  { name: 'sensor' },
  (ctx): Promise<Sum> =>
    ctx.loop<Sum, Sum>({ count: 0, wrong: 0 }, async (pass, { count, wrong }) => {
      const reading = (await pass.receive<Reading>('reading')) as Reading;
      see(reading);
      const next = { count: count + 1, wrong: wrong + (reading.index === count ? 0 : 1) };
      if (next.count % MINUTE === 0) await pass.step('push', () => next.count);
      return reading.isLast ? { done: next } : { next };
    }),
);

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'sensors', workflows: [sensor] });
  workflows.work({ concurrency: 500 });
  return { delays: () => delays.splice(0) };
};

interface Sent {
  readonly sent: number;
  /** In ms. */
  readonly time: number;
  readonly counted: number;
  readonly wrong: number;
  /** How long after the last reading all runs were over, in ms. */
  readonly drained: number;
}

const SENSORS = 100;

const publisher: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'sensors', workflows: [sensor] });
  workflows.on('measured', sensor, {
    key: (reading: Reading) => reading.sensor,
    input: () => undefined,
    send: 'reading',
  });
  return {
    send: async ({ rate, count }: { rate: number; count: number }): Promise<Sent> => {
      const since = now();
      let sent = 0;
      while (sent < count) {
        const due = Math.min(count, Math.floor(((now() - since) / 1_000) * rate)) - sent;
        if (due <= 0) {
          await pause(5);
          continue;
        }
        const readings = Array.from({ length: Math.min(due, 500) }, (_, ahead): Reading => {
          const place = sent + ahead;
          const isLast = place >= count - SENSORS;
          return {
            ...{ sensor: `s${place % SENSORS}`, index: Math.floor(place / SENSORS), isLast },
            at: since + (place / rate) * 1_000,
          };
        });
        sent += readings.length;
        await workflows.publish(
          readings.map((data) => ({ name: 'measured', id: `${data.sensor}@${data.index}`, data })),
        );
      }
      const time = now() - since;
      const sums = await Promise.all(
        Array.from({ length: SENSORS }, (_, each) =>
          workflows.get(sensor, `s${each}`, { key: `s${each}` }).result(),
        ),
      );
      const counted = sums.reduce((all, sum) => all + sum.count, 0);
      const wrong = sums.reduce((all, sum) => all + sum.wrong, 0);
      return { sent, time, counted, wrong, drained: now() - since - time };
    },
  };
};

const WANTED = 100_000;

export const sensors: Scenario = {
  roles: { worker, publisher },
  async measure(stage) {
    const [rate, count] = [WANTED / 60, stage.quick ? 3_000 : WANTED];
    await stage.clear();
    const working = await stage.start('worker');
    const publishing = await stage.start('publisher');
    const before = await working.usage();
    const [redisBefore = 0] = await stage.observer.cpuOfEach();
    stage.progress(`${count} readings`);
    const sent = await publishing.ask<Sent>('send', { rate, count });
    const [redisAfter = 0] = await stage.observer.cpuOfEach();
    const after = await working.usage();
    const taken = await working.ask<number[]>('delays');
    expectSame('the number of readings that were counted', sent.counted, count);
    expectSame('the number of readings out of order', sent.wrong, 0);
    expectSame('the number of readings that were seen', taken.length, count);
    const took = sent.time + sent.drained;
    const share = (cpu: number): string => `${((cpu / took / 1_000) * 100).toFixed(0)} %`;
    return {
      targets: [
        atLeast('readings a minute', spread([(count / took) * 60_000]), WANTED * 0.98),
        atMost('after the last reading, all are handled within, ms', spread([sent.drained]), 1_000),
      ],
      tables: [
        {
          title: 'sensors',
          about: `${count.toLocaleString('en-US')} readings of ${SENSORS} sensors, published by one process and handled by another; each sensor has one run with a loop that takes one reading a pass and has a step after every ${MINUTE}. CPU is a share of one core while it lasted. Latency is from the time at which a reading was due to the function.`,
          columns: [
            ...['readings/min', 'p50 ms', 'p99 ms', 'all handled after ms'],
            ...['worker CPU', 'Redis CPU', 'worker CPU µs/reading', 'worker MB'],
          ],
          rows: [
            [
              ...[(count / took) * 60_000, quantile(taken, 0.5), quantile(taken, 0.99), sent.drained].map(
                (value) => number(value),
              ),
              share(after.cpu - before.cpu),
              share(redisAfter - redisBefore),
              number((after.cpu - before.cpu) / count),
              number(after.rss / 2 ** 20),
            ],
          ],
        },
      ],
      data: { sent, taken: taken.length },
    };
  },
};
