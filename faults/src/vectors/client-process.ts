/**
 * One client of an index of vectors: puts and deletes documents, under rights that it takes from the others and under none, follows
 * the index, and searches after what it has written itself and after what others have, and records what it is told. Where documents
 * have texts only, it is a worker, too, which makes their vectors, and builds generations of the other model again and again.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StaleTokenError } from '@holdfast/fence';
import {
  AbortedError,
  BusyError,
  MisuseError,
  pause,
  seededRandom,
  systemClock,
  type TokenHolder,
  UnavailableError,
} from '@holdfast/kernel';
import { createQueue, createWorker } from '@holdfast/queue';
import { type EmbeddingTask, PlaceLostError, type Results } from '@holdfast/vectors';
import { joinHarness } from '../traffic/harness.js';
import { take } from '../traffic/issuer.js';
import { connectNodes, disconnectNodes } from '../traffic/reach.js';
import { recordsIn } from '../traffic/recorder.js';
import type { FoundRecord, VectorsAssignment, VectorsRecord } from './assignment.js';
import { ALL, DOCUMENTS, directionOf, idOf, indexOf, modelOf, questionOf, vectorsOf } from './definitions.js';

const { assignment, finishing, say, leave, unexpected } = joinHarness<VectorsAssignment>();
const { name, seed, history, reach, clients, engine, hasModels } = assignment;
const folder = dirname(history);

const record = recordsIn<VectorsRecord>(history, name);

const random = seededRandom(seed);
const between = (low: number, high: number): number => low + random.unit() * (high - low);
const rest = (ms: number): Promise<void> => pause(systemClock, ms, finishing).catch(() => {});

const [redis = ''] = connectNodes(reach);
const tasks = createQueue<EmbeddingTask>({
  ...{ redis, name: `${assignment.index}-tasks`, callTimeout: 1_000 },
  ...{ attempts: 1_000, backoff: { type: 'constant', delay: 100 } },
});
const index = indexOf(redis, assignment.index, assignment, tasks);
const worker = hasModels
  ? createWorker({
      ...{ queue: tasks, name, lease: 2_000, grace: 1_000, concurrency: 4, onError: () => {} },
      handler: index.embedder(),
    })
  : undefined;

/** What faults bring about; anything else must not happen. */
const EXPECTED = [UnavailableError, PlaceLostError, StaleTokenError, AbortedError, BusyError];

/** Does something again and again, until the end. */
async function repeat(least: number, most: number, work: () => Promise<void>): Promise<void> {
  while (!finishing.aborted) {
    await rest(between(least, most));
    if (finishing.aborted) return;
    try {
      await work();
    } catch (error) {
      note(error);
      await rest(50);
    }
  }
}

function note(error: unknown): void {
  if (error instanceof StaleTokenError) record({ e: 'did', what: 'refused because of a higher token' });
  if (error instanceof PlaceLostError) record({ e: 'did', what: 'places lost' });
  else if (error instanceof UnavailableError) record({ e: 'did', what: 'calls without an answer' });
  if (!EXPECTED.some((known) => error instanceof known)) unexpected(error);
}

let count = 0;
/** The place of its last write. */
let own: string | undefined;
/** The right under which some of its writes are. */
let holder: TokenHolder | undefined;

async function write(): Promise<void> {
  if (holder === undefined || random.unit() < 0.05) holder = take(folder, 'batch');
  const under = random.unit() < 0.5 ? holder : undefined;
  count += 1;
  const value = `${name}-${count}`;
  const id = idOf(Math.floor(DOCUMENTS * random.unit()));
  const word = random.unit() < 0.25 ? 'delete' : 'put';
  // Some are late: what a write says may be older than what is there.
  const time = Math.floor(systemClock.wall() / 1_000 - (random.unit() < 0.3 ? between(0, 2_000) : 0));
  record({ e: 'writing', word, id, value, time, token: under?.token ?? 0 });
  const options = { time, ...(under && { holder: under }) };
  const written =
    word === 'delete'
      ? await index.delete(id, options)
      : await index.put({ id, attributes: { value }, ...contentsOf(value) }, options);
  record({ e: 'written', value, outcome: written.outcome, place: written.place });
  own = written.place;
  publish(written.place);
}

const contentsOf = (value: string) => (hasModels ? { text: value } : { vectors: vectorsOf(value) });

/** Where processes tell each other of the place of the last write. */
const told = join(folder, 'place');

/** Whoever reads sees the place before, or this one. */
function publish(place: string): void {
  writeFileSync(`${told}.${name}`, place);
  renameSync(`${told}.${name}`, told);
}

const published = (): string | undefined => (existsSync(told) ? readFileSync(told, 'utf8') : undefined);

const found = ({ hits }: Results): FoundRecord[] =>
  hits.map(({ id, attributes, time, score }) => ({
    ...{ id, score, value: String(attributes['value']), time: time.getTime() },
  }));

const askingFor = (query: number) =>
  hasModels ? { text: questionOf(query) } : { vector: directionOf(query) };

async function search(): Promise<void> {
  const after = random.unit() < 0.3 ? undefined : random.unit() < 0.4 ? own : published();
  const query = Math.floor(1e9 * random.unit());
  const wishes = { ...askingFor(query), limit: ALL, wait: 5_000, ...(after && { after }) };
  const results = await index.search(wishes).catch((error: unknown) => {
    if (error instanceof PlaceLostError && after === own) own = undefined;
    throw error;
  });
  record({ e: 'found', after, place: results.place, query, hits: found(results) });
}

/** Has the other model live, unless others write or build too fast. */
async function build(): Promise<void> {
  const live = (await index.generations()).find(({ state }) => state === 'live');
  const vectors = modelOf(live?.model === 'm0' ? 'm1' : 'm0', engine);
  const builder = await index
    .begin({ vectors, batch: 8 }, take(folder, 'builders'))
    .catch((error: unknown) => {
      const isLive = error instanceof MisuseError && / is live\. /.test(error.message);
      if (!isLive) throw error; // else another one was faster
    });
  for (let round = 0; builder && round < 5; round += 1) {
    await builder.fill();
    const cut = await builder.cut();
    record(cut.outcome === 'live' ? { e: 'cut', place: cut.place } : { e: 'did', what: 'cuts behind' });
    if (cut.outcome === 'live') return;
  }
}

/** Waits until nobody writes any more, and says what it knows then. */
async function end(): Promise<void> {
  writeFileSync(join(folder, `stopped.${name}`), '');
  const until = systemClock.now() + 20_000;
  const stopped = (): number => readdirSync(folder).filter((each) => each.startsWith('stopped.')).length;
  while (stopped() < clients && systemClock.now() < until) await pause(systemClock, 50);
  while (systemClock.now() < until + 20_000) {
    try {
      await index.ready();
      if (hasModels && index.stats().waiting > 0) {
        await index.embedMissing();
        await pause(systemClock, 200);
        continue;
      }
      const results = await index.search({ ...askingFor(1), limit: ALL });
      record({ e: 'ends', hits: found(results) });
      return;
    } catch (error) {
      note(error);
      await pause(systemClock, 200);
    }
  }
}

say({ say: 'ready' });
const work = [write, write, search, search].map((each) => repeat(0, 60, each));
await Promise.all([...work, ...(hasModels ? [repeat(200, 2_000, build)] : [])]);
await end();
await worker?.stop();
await tasks.close();
await index.close();
disconnectNodes();
leave();
