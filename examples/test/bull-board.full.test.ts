/** Bull Board over a queue of Holdfast, in a real browser: looks at tasks, and tries a dead letter again. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue } from '@holdfast/queue';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from './browser.js';
import { Program } from './program.js';

let nodes: LocalNodes;
let program: Program;
let browser: Browser;

beforeAll(async () => {
  nodes = await startNodes(1);
  program = new Program('bull-board/main.ts', [], { REDIS_URL: nodes.urls[0] ?? '' });
  browser = await startBrowser();
  await program.printed('board: ');
}, 60_000);
afterAll(async () => {
  await browser.close();
  program.process.kill('SIGTERM');
  await program.ended();
  await nodes.stop();
});

it('shows tasks in their states, what went wrong, and acts on them', { timeout: 60_000 }, async () => {
  const [url = ''] = /http:\S+/.exec(program.output) ?? [];
  await using queue = createQueue({ redis: nodes.urls[0] ?? '', name: 'images' });
  await expect.poll(async () => (await queue.counts()).dead).toBe(1);
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400 && response.url().includes('/api/')) problems.push(response.url());
  });
  await page.goto(`${url}?status=failed`);
  await page.getByText('no picture').first().waitFor();
  await page.goto(`${url}?status=completed`);
  await page.getByText('cat').first().waitFor();
  await page.goto(`${url}?status=delayed`);
  await page.getByText('late').first().waitFor();
  await page.goto(`${url}?status=failed`);
  await page.getByText('no picture').first().waitFor();
  await page.getByRole('button', { name: 'Retry all' }).click();
  await page
    .getByRole('button', { name: /confirm|ok|yes/i })
    .first()
    .click();
  await expect.poll(async () => (await queue.counts()).totals.failed).toBe(2);
  expect(problems).toEqual([]);
});
