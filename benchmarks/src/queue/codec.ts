/**
 * `npm run bench -- queue-codec`: what a codec costs a task, and what it saves Redis: none beside AES-256-GCM and Brotli.
 *
 * Guarantees: all contestants add and handle the same data, and take turns. CPU time is that of this process, with its threads,
 * and of the server together, from before the first add until the last task has completed. Memory is that of the stream in which
 * all tasks wait.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { seededRandom } from '@holdfast/kernel';
import { type Codec, createQueue, createWorker } from '@holdfast/queue';
import { onStand, type Server, type Stand } from '../features/stand.js';
import { tableOf } from '../harness/results.js';
import { turns } from '../harness/turns.js';

const key = randomBytes(32);
const [compress, decompress] = [promisify(brotliCompress), promisify(brotliDecompress)];
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const AES: Codec = {
  encode(data, { owner }) {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner));
    const text = Buffer.concat([cipher.update(data), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), text]);
  },
  decode(data, { owner }) {
    const cipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12));
    cipher.setAAD(Buffer.from(owner)).setAuthTag(data.subarray(12, 28));
    return Buffer.concat([cipher.update(data.subarray(28)), cipher.final()]);
  },
};

const BROTLI: Codec = {
  encode: (data) => compress(data, QUICKLY),
  decode: (data) => decompress(data, { maxOutputLength: 1_000_000 }),
};

const CODECS: Readonly<Record<string, Codec | undefined>> = { none: undefined, AES, Brotli: BROTLI };
const NAMES = Object.keys(CODECS);

/** Bytes of JSON, about; and how many tasks. */
const WORKLOADS = { small: { size: 200, tasks: 4_000 }, large: { size: 20_000, tasks: 400 } } as const;

export const queueCodec = onStand({
  about: 'tasks whose data are encrypted or compressed',
  title: 'A queue with a codec',
  workloads: Object.keys(WORKLOADS),
  measure: run,
});

async function run(stand: Stand) {
  const { rounds, workloads, progress } = stand.call;
  const server = await stand.server();
  const chosen = Object.entries(WORKLOADS).filter(([name]) => workloads.has(name));
  for (let round = -1; round < rounds; round += 1) {
    progress(`round ${round + 1}`);
    for (const [workload, { size, tasks }] of chosen) {
      for (const name of turns(NAMES, Math.max(round, 0))) {
        const data = orders(size, stand.pick(tasks, 20));
        const measured = await measure(server, CODECS[name], data);
        if (round < 0) continue; // until the code is compiled
        stand.note(workload, name, {
          [`CPU for a task of ${size} bytes, µs`]: measured.cpu,
          [`Redis has for one of ${size} bytes, bytes`]: measured.memory,
        });
      }
    }
  }
  return {
    targets: [],
    tables: chosen.map(([workload, { size, tasks }]) =>
      tableOf(stand.results, {
        ...{ workload, isCompared: false, contestants: NAMES },
        about: `${tasks} tasks with ${size} bytes of JSON, added by \`addMany\` and handled 100 at a time by a handler that returns nothing.`,
      }),
    ),
    remarks: [
      'The data are lines of orders: words and numbers that repeat, as in data of programs, so that they can be compressed.',
      'What is kept is base64, a third larger than what the codec gives.',
    ],
  };
}

async function measure({ url, redis, observer }: Server, codec: Codec | undefined, data: readonly string[]) {
  await redis.flushall();
  await using queue = createQueue<string>({ redis: url, name: 'coded', ...(codec && { codec }) });
  const empty = await observer.counters();
  const own = process.cpuUsage();
  await queue.addMany(data.map((each) => ({ data: each })));
  const memory = Number(await redis.memory('USAGE', '{queue:coded}:ready:0', 'SAMPLES', 0));
  let left = data.length;
  const done = later();
  const worker = createWorker({
    queue,
    concurrency: 100,
    handler: () => {
      left -= 1;
      if (left === 0) done.resolve();
    },
  });
  await done.promise;
  await worker.stop();
  const { user, system } = process.cpuUsage(own);
  const ended = await observer.counters();
  return {
    cpu: (user + system + ended.cpu - empty.cpu) / data.length,
    memory: memory / data.length,
  };
}

/** As Promise.withResolvers, which Node 20 does not have. */
function later(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

const WORDS = ['order', 'paid', 'shipped', 'invoice', 'customer', 'warehouse', 'returned', 'quantity'];

/** So many texts of about so many bytes. */
function orders(size: number, count: number): string[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => {
    let text = '';
    while (text.length < size - 2)
      text += `${WORDS[Math.floor(random.unit() * WORDS.length)]} ${Math.floor(random.unit() * 10_000)}; `;
    return text.slice(0, size - 2);
  });
}
