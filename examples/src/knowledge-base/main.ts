/**
 * Runs the help desk: `main.ts [all | ingest | web | model]`. `ingest` writes the articles, `web` serves the page until SIGTERM; start as many
 * as you need. `model` has another model take the place of the first. `all` writes the articles, asks every question once, tells how long that took, has one of them answered in a
 * chat, and ends.
 *
 * Settings come from the environment: HOLDFAST_NODES, the lock nodes, for `model`; REDIS_URL, the data; ARTICLES, how many, 5000 by default and up to 250000;
 * DEADLINE, how long a question may take to be embedded before words alone answer, in ms, 400 by default; PORT.
 */
import type { AddressInfo } from 'node:net';
import { createLocks } from '@holdfast/lock';
import { createKeywordIndex } from '@holdfast/vectors';
import { data, nodes, stop } from '../nodes.js';
import { type Article, articles, subjectsOf, textOf } from './articles.js';
import { changeModel } from './change-model.js';
import { mockModel, turn } from './chat.js';
import { CORPUS } from './corpus.js';
import { ingest } from './ingest.js';
import { FIRST, SECOND } from './models.js';
import { openArticles, search } from './search.js';
import { serve } from './web.js';

const { env } = process;
const role = process.argv[2] ?? 'all';
const count = Math.min(Number(env['ARTICLES'] ?? 5_000), 250_000);
const SEED = 7;
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());

const kb = openArticles(data, FIRST, SECOND);

async function made(): Promise<Iterable<Article>> {
  const vectors = await FIRST.embed(CORPUS.map(textOf), ending.signal);
  return articles(vectors as number[][], count, SEED);
}

async function fill(): Promise<void> {
  const all = await made();
  const began = performance.now();
  await ingest(kb, all);
  const seconds = (performance.now() - began) / 1_000;
  console.log(`ingest: ${count} articles, ${Math.round(count / seconds)} a second`);
}

async function model(): Promise<void> {
  const locks = createLocks({ nodes });
  const vectors = new Map([...(await made())].map(({ id, vector }) => [id, vector]));
  await changeModel({ kb, locks }, (id) => vectors.get(id));
  for (const generation of await kb.generations())
    console.log(`model: ${generation.model} is ${generation.state}`);
  await locks.close();
}

/** Everything is read, and the model is loaded. */
async function open(): Promise<void> {
  await kb.ready();
  await search(kb, { text: 'the model is loaded' });
}

async function web(): Promise<void> {
  await open();
  const server = serve(kb).listen(Number(env['PORT'] ?? 0));
  server.once('listening', () => {
    console.log(`http://localhost:${(server.address() as AddressInfo).port}`);
    console.log('web: ready');
  });
  await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
  server.close();
  server.closeAllConnections();
}

/** Of how many questions the first hit is about what was asked, or one of the first three. */
interface Tally {
  first: number;
  three: number;
}

function note(tally: Tally, wanted: string, ids: readonly string[]): void {
  const at = ids.findIndex((id) => subjectsOf(id).includes(wanted));
  if (at === 0) tally.first += 1;
  if (at >= 0 && at < 3) tally.three += 1;
}

const told = ({ first, three }: Tally): string => `${first} by the first hit, ${three} by the first three`;
const part = (times: readonly number[], share: number): string =>
  ([...times].sort((one, other) => one - other)[Math.floor(share * times.length)] ?? 0).toFixed(1);

async function all(): Promise<void> {
  await fill();
  await open();
  const [both, words] = [
    { first: 0, three: 0 },
    { first: 0, three: 0 },
  ];
  const plain = createKeywordIndex({});
  for (const help of CORPUS) plain.put(help.id, textOf(help));
  const [asked, again] = [[] as number[], [] as number[]];
  for (const { id, asked: text } of CORPUS) {
    const { hits, took } = await search(kb, { text });
    asked.push(took);
    again.push((await search(kb, { text })).took); // its vector is known now
    note(
      both,
      id,
      hits.map((hit) => hit.id),
    );
    note(
      words,
      id,
      plain.search(text).map((hit) => hit.id),
    );
  }
  console.log(`${CORPUS.length} questions answered: ${told(both)}; with words alone ${told(words)}`);
  console.log(
    `retrieval with the question embedded: p50 ${part(asked, 0.5)} ms, p99 ${part(asked, 0.99)} ms`,
  );
  console.log(
    `retrieval of a question known before: p50 ${part(again, 0.5)} ms, p99 ${part(again, 0.99)} ms`,
  );
  const { found, words: said } = await turn({ kb, model: mockModel }, 'how long until I get my cash back');
  let text = '';
  for await (const word of said) text += word;
  console.log(`chat, ${found.hits.length} articles: ${text}`);
}

const ROLES: Readonly<Record<string, () => Promise<void>>> = { all, ingest: fill, web, model };
const play = ROLES[role];
if (play === undefined) {
  console.error(`Say ${Object.keys(ROLES).join(', ')}; got "${role}".`);
  process.exit(64);
}
await play().finally(async () => {
  await kb.close();
  await stop();
});
console.log(`${role}: ended`);
