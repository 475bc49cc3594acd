/**
 * The help desk with real embeddings: 1,500 articles in Redis, questions that share few words with their answers, the page in a
 * real browser, a turn of a chat, and another model that takes the place of the first meanwhile.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { subjectsOf } from '../src/knowledge-base/articles.js';
import { CORPUS } from '../src/knowledge-base/corpus.js';
import type { Answer } from '../src/knowledge-base/search.js';
import { startBrowser } from './browser.js';
import { Program } from './program.js';

let nodes: LocalNodes;
let browser: Browser;
const programs: Program[] = [];
let url = '';
let told = '';

async function start(role: string, words: string): Promise<Program> {
  const redis = nodes.urls[0] ?? '';
  const env = { HOLDFAST_NODES: redis, REDIS_URL: redis, ARTICLES: '1500', DEADLINE: '30000' };
  const program = new Program('knowledge-base/main.ts', [role], env);
  programs.push(program);
  await program.printed(words);
  return program;
}

beforeAll(async () => {
  [nodes, browser] = await Promise.all([startNodes(1), startBrowser()]);
  await using locks = createLocks({ nodes: nodes.urls });
  await locks.initialize(); // a lock node of one, for who changes the model
  told = (await start('all', 'all: ended')).output;
  const web = await start('web', 'web: ready');
  url = /http:\/\/localhost:\d+/.exec(web.output)?.[0] ?? '';
}, 240_000);
afterAll(async () => {
  for (const program of programs) program.process.kill('SIGKILL');
  await Promise.all(programs.map((program) => program.ended()));
  await browser.close();
  await nodes.stop();
});

it('answers many questions that words alone do not, and says how long that takes', () => {
  const [, both = '', words = ''] =
    /answered: \d+ by the first hit, (\d+) by the first three; with words alone \d+ by the first hit, (\d+)/.exec(
      told,
    ) ?? [];
  expect(Number(both), told).toBeGreaterThan(15);
  expect(Number(words), told).toBeLessThan(Number(both) / 2);
  expect(told).toMatch(/retrieval with the question embedded: p50 \d+\.\d ms, p99 \d+\.\d ms/);
  expect(told).toMatch(/^chat, 3 articles: .*\S \([\w-]+(?:\+[\w-]+\+\d+)?\)$/m);
});

it('shows results as one types, why each was found, and only what was chosen', {
  timeout: 120_000,
}, async () => {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  const field = page.getByLabel('Your question');
  await field.fill('is it usable for blind peo');
  await field.pressSequentially('ple');
  const heading = page.getByRole('heading', { level: 2 });
  await heading.filter({ hasText: 'Screen readers' }).first().waitFor({ timeout: 60_000 });
  await page.getByText(/^10 results in \d+\.\d ms$/).waitFor();
  await page
    .getByText(/meaning: number \d+ \(0\.\d\d\)/)
    .first()
    .waitFor();

  const billing = page
    .getByRole('group', { name: 'Products' })
    .getByRole('button', { name: /^billing \d+$/ });
  await billing.click();
  await page.getByRole('button', { name: /^billing \d+$/, pressed: true }).waitFor({ timeout: 60_000 });
  const { hits, products } = (await (
    await fetch(`${url}/search?text=money&product=billing&counts`)
  ).json()) as Answer;
  expect(hits.length).toBe(10);
  const ofBilling = CORPUS.filter(({ product }) => product === 'billing').map(({ id }) => id);
  for (const { id } of hits) expect(subjectsOf(id).some((subject) => ofBilling.includes(subject))).toBe(true);
  const [first] = products;
  expect(first?.value).toBe('billing');

  await field.fill('');
  await expect.poll(() => heading.count()).toBe(0);
  await field.fill('which person opened a contract');
  await page.getByRole('button', { name: /^billing \d+$/, pressed: true }).click();
  await page.locator('mark', { hasText: 'opened' }).first().waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Answer me' }).click();
  await page
    .getByLabel('Answer', { exact: true })
    .filter({ hasText: /\([\w+-]+\)$/ })
    .waitFor({ timeout: 60_000 });
  expect(problems).toEqual([]);
});

it('refuses what is no question', async () => {
  for (const path of ['/search?text=', '/search', '/chat?text=%20', '/search?text=a&since=soon']) {
    const answer = await fetch(url + path);
    expect(answer.status, path).toBe(400);
  }
  expect((await fetch(`${url}/nothing?text=a`)).status).toBe(404);
});

it('goes on answering while another model takes the place of the first', { timeout: 120_000 }, async () => {
  const ask = async (): Promise<number | undefined> => {
    const answer = await fetch(`${url}/search?text=is+it+usable+for+blind+people`);
    expect(answer.status).toBe(200);
    const { hits, degraded } = (await answer.json()) as Answer;
    expect(degraded).toEqual([]);
    expect(hits.length).toBe(10);
    expect(subjectsOf(hits[0]?.id ?? '')).toContain('readers');
    return hits.find(({ ranks }) => ranks['vectors'])?.scores['vectors'];
  };
  const before = await ask();
  let isChanged = false;
  const changing = start('model', 'model: ended').then((program) => {
    isChanged = true;
    return program;
  });
  let asked = 0;
  for (; !isChanged; asked += 1) await ask();
  expect(asked).toBeGreaterThan(10);
  expect((await changing).output).toMatch(/model: use-lite-2 is kept\nmodel: use-lite-2-folded is live/);
  await expect.poll(ask).not.toBeCloseTo(before ?? 0, 3);
});
