/** The page of the shop in a real browser: something is searched and bought, and the switches switch. */
import { request } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from './browser.js';
import { Program } from './program.js';

let program: Program;
let browser: Browser;
let url = '';

beforeAll(async () => {
  program = new Program('shop/main.ts', ['--rate', '2', '--no-faults', '--port', '0', '--seed', '7']);
  browser = await startBrowser();
  await program.printed('nodes 5 of 5 vote');
  url = /http:\/\/localhost:\d+/.exec(program.output)?.[0] ?? '';
});
afterAll(async () => {
  await browser.close();
  program.process.kill('SIGINT');
  await program.ended();
});

async function openPage(
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage(options);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/404/.test(message.text())) problems.push(message.text()); // a picture that is not made yet
  });
  await page.goto(url);
  return { page, problems };
}

it('sells what was searched for, and shows the run, the words of the model, and what holds', async () => {
  const { page, problems } = await openPage({ colorScheme: 'light' });
  await page.getByLabel('Search by what you mean').fill('something to keep me warm at night');
  const buy = page.getByRole('button', { name: 'Buy Wool blanket' });
  await page.getByText(/^4 found in [\d.]+ ms/).waitFor();
  await buy.click();
  await page.getByText(/Risk: 5 Order of Wool blanket: accepted\./).waitFor();
  await page.getByRole('img', { name: /profile \d+ ms, .*charge \d+ ms, ship \d+ ms/ }).waitFor();
  await page.getByRole('img', { name: /^account 42: [1-9]\d* writes accepted, 0 refused/ }).waitFor();
  await page.getByText(/pictures: \d+ waiting, [1-9]\d* done/).waitFor();

  const fencing = page.getByRole('switch', { name: 'Fencing' });
  await fencing.click();
  await page.getByRole('switch', { name: 'Fencing off' }).waitFor();
  await fencing.click();
  await page.getByRole('switch', { name: 'Fencing on' }).waitFor();
  await page.getByRole('switch', { name: 'Faults' }).click();
  await page.getByText(/M faults begin/).waitFor();
  await page.getByRole('switch', { name: 'Faults on' }).click();
  await page.getByText('faults are off').waitFor();
  expect(problems).toEqual([]);
});

it('fits a telephone in the dark', async () => {
  const { page, problems } = await openPage({ colorScheme: 'dark', viewport: { width: 390, height: 844 } });
  await page.getByRole('img', { name: /^account/ }).waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 20, 19)');
  expect(problems).toEqual([]);
});

it.each([
  ['a name that is not of this machine', { host: 'evil.example' }, 421],
  ['the page of another site', { origin: 'http://evil.example', 'content-type': 'application/json' }, 403],
  ['a form', { 'content-type': 'text/plain' }, 415],
  ['nonsense', { 'content-type': 'application/json' }, 400],
])('takes no change from %s', async (_, headers, status) => {
  const got = await new Promise((resolve, reject) => {
    const sent = request(`${url}/switches`, { method: 'POST', headers }, (response) =>
      resolve(response.statusCode),
    );
    sent.once('error', reject).end('{"fencing":"no"}');
  });
  expect(got).toBe(status);
});
