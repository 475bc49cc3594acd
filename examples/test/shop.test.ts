/** The shop: its page in a real browser, its verdict, with and without the guard, and that nothing of it is left, however it ends. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Booking } from '../src/shop/accounts.js';
import { refusalOf } from '../src/shop/local-only.js';
import { HELP, readOptions } from '../src/shop/stage/options.js';
import { type Facts, judge, verdictLines } from '../src/shop/stage/verdict.js';
import { startBrowser } from './browser.js';
import { gone, Program, run } from './program.js';

const SHOP = 'shop/main.ts';
const JSON_TYPE = { 'content-type': 'application/json', 'content-length': '9' };

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

function folderOf(program: Program): string {
  return fileURLToPath(new URL(`../../.holdfast/shop/${program.process.pid}`, import.meta.url));
}

async function openPage(url: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const page = await browser.newPage(options);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/404/.test(message.text())) problems.push(message.text()); // a picture that is not made yet
  });
  await page.goto(url);
  return { page, problems };
}

const urlOf = ({ output }: Program): string => /http:\/\/localhost:\d+/.exec(output)?.[0] ?? '';

it('sells, shows what holds, and charges every order once while workers freeze', async () => {
  const program = new Program(SHOP, [
    '--for',
    '15s',
    '--rate',
    '4',
    '--no-faults',
    '--port',
    '0',
    '--seed',
    '7',
  ]);
  await program.printed('is open');
  const family = program.family();
  expect(family.length).toBeGreaterThan(10);
  const { page, problems } = await openPage(urlOf(program));
  await page.getByLabel('Search by what you mean').fill('something to keep me warm at night');
  await page.getByText(/^4 found in [\d.]+ ms/).waitFor();
  await page.getByRole('button', { name: 'Buy Wool blanket' }).click();
  await page.getByText(/Risk: 5 Order of Wool blanket: accepted\./).waitFor();
  await page.getByRole('img', { name: /profile \d+ ms, .*charge \d+ ms, ship \d+ ms/ }).waitFor();
  await page.getByRole('switch', { name: 'Faults off' }).click();
  await page.getByText(/M faults begin/).waitFor();
  await page.getByRole('switch', { name: 'Faults on' }).waitFor();
  expect(problems).toEqual([]);
  await page.close();
  const answers = [
    '/orders/of-nobody/run',
    '/orders//run',
    '/search?text=',
    '/source/worker.ts',
    '/source/stage/faults.ts',
  ].map(
    async (path) => (await fetch(urlOf(program) + path).then(async (it) => [it.status, await it.text()]))[0],
  );
  expect(await Promise.all(answers)).toEqual([200, 404, 400, 404, 200]); // and the shop goes on
  expect(await program.ended(), program.output).toBe(0);
  expect(program.output).toMatch(
    /^Verdict: good\. orders \d{2}, charged twice 0, lost 0, stale writes refused [1-9]/m,
  );
  expect(program.output).toMatch(/: REFUSED, account:\d+ has seen …\d{6}/);
  await gone(family);
  expect(existsSync(folderOf(program))).toBe(false);
});

if (process.env['HOLDFAST_TESTS'] === 'full') {
  it('charges orders twice without the guard, and says so', async () => {
    const { code, output } = await run(SHOP, ['--for', '9s', '--unfenced', '--port', '0', '--seed', '7']);
    expect(code, output).toBe(1);
    expect(output).toContain('CHARGED TWICE');
    expect(output).toMatch(
      /^Verdict: FAILED\. orders \d+, charged twice [1-9]\d*, .* refused 0\. That is what a lease/m,
    );
  });

  it('fits a telephone in the dark, switches, and ends with nothing left when interrupted', async () => {
    const program = new Program(SHOP, ['--no-faults', '--port', '0']);
    await program.printed('orders 1');
    const { page, problems } = await openPage(urlOf(program), {
      ...{ colorScheme: 'dark', viewport: { width: 390, height: 844 } },
    });
    await page.getByRole('img', { name: /^account/ }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 20, 19)');
    for (const [now, then] of [
      ['on', 'off'],
      ['off', 'on'],
    ]) {
      await page.getByRole('switch', { name: `Fencing ${now}` }).click();
      await page.getByRole('switch', { name: `Fencing ${then}` }).waitFor();
    }
    expect(problems).toEqual([]);
    await page.close();
    const family = program.family();
    program.process.kill('SIGINT');
    expect(await program.ended(), program.output).toBe(130);
    await gone(family);
    expect(existsSync(folderOf(program))).toBe(false);
  });

  it('leaves nothing running when it is killed while a worker is frozen', async () => {
    const program = new Program(SHOP, ['--for', '12s', '--port', '0']);
    await program.printed(' froze after it sealed');
    const family = program.family();
    program.process.kill('SIGKILL');
    await program.ended();
    await gone(family);
    await rm(folderOf(program), { recursive: true });
  });
}

it.each([
  [421, 'a change that was sent to another name', 'POST', { host: 'evil.example:7480' }],
  [421, 'a look from another name', 'GET', { host: 'evil.example' }],
  [421, 'what names nobody', 'GET', {}],
  [403, 'the page of another site', 'POST', { host: 'localhost:7480', origin: 'http://evil.example' }],
  [403, 'the page of another port', 'POST', { host: 'localhost:7480', origin: 'http://localhost:7400' }],
  [415, 'a form', 'POST', { host: 'localhost:7480', 'content-type': 'text/plain' }],
  [
    undefined,
    'its own page',
    'POST',
    { host: 'localhost:7480', origin: 'http://localhost:7480', ...JSON_TYPE },
  ],
  [undefined, 'a program', 'POST', { host: '127.0.0.1:7480', ...JSON_TYPE }],
  [undefined, 'a reader', 'GET', { host: '[::1]:7480' }],
])('answers %s to %s', (status, _, method, headers) => {
  expect(refusalOf({ method, headers } as IncomingMessage)?.[0]).toBe(status);
});

it('knows its arguments', () => {
  expect(readOptions([])).toMatchObject({
    duration: Number.POSITIVE_INFINITY,
    fenced: true,
    faults: true,
    rate: 20,
  });
  expect(readOptions(['--quiet', '--no-faults', '--unfenced'])).toMatchObject({
    rate: 0,
    faults: false,
    fenced: false,
  });
  expect(() => readOptions(['--rate', '0'])).toThrow('--rate');
  expect(() => readOptions(['--port', '70000'])).toThrow('--port');
  for (const option of ['--for', '--quiet', '--no-faults', '--plain', '--seed'])
    expect(HELP).toContain(option);
});

const booking = (order: string, token: number, account = '1'): Booking => ({
  order,
  account,
  amount: 5,
  token,
});
const good: Facts = {
  told: new Map([
    ['a', true],
    ['b', true],
    ['c', false],
  ]),
  acknowledged: [booking('a', 100), booking('b', 200)],
  ...{ refused: 1, tested: true, counted: 2 },
  bookings: [booking('a', 100), booking('b', 200)],
  owed: new Map([['1', 10]]),
  pictures: new Set(['a', 'b']),
};

it('passes a run in which nothing was lost, also of a worker that died before it could say what it had charged', () => {
  expect(judge(good)).toMatchObject({ good: true, lost: 0, chargedTwice: 0 });
  expect(judge({ ...good, acknowledged: [] }).good).toBe(true);
  expect(verdictLines(good, judge(good), false).at(-1)).toBe(
    'Verdict: good. orders 3, charged twice 0, lost 0, stale writes refused 1.',
  );
});

it.each<[string, Partial<Facts>, number[]]>([
  ['an order without an answer', { told: new Map([['a', undefined]]) }, [0]],
  [
    'an order that was accepted and is nowhere',
    { told: new Map([['d', true]]), pictures: new Set(['d']) },
    [1],
  ],
  ['a charge that was acknowledged and is nowhere', { acknowledged: [booking('d', 300)] }, [1]],
  ['a charge of an order that was refused', { told: new Map([['a', false]]) }, [2]],
  [
    'an order that was charged twice',
    { bookings: [...good.bookings, booking('b', 300)], owed: new Map([['1', 15]]) },
    [3],
  ],
  ['an account that owes too little', { owed: new Map([['1', 5]]) }, [4]],
  ['an account that owes for nothing', { owed: new Map([...good.owed, ['2', 5]]) }, [4]],
  ['a write after a later holder', { bookings: [...good.bookings].reverse() }, [5]],
  ['a picture that is missing', { pictures: new Set(['a']) }, [6]],
  ['a purchase that was counted twice', { counted: 3 }, [7]],
  ['no stale write refused', { refused: 0 }, [8]],
])('detects %s', (_, change, failing) => {
  const { checks } = judge({ ...good, ...change });
  expect(checks.flatMap(({ holds }, index) => (holds ? [] : [index]))).toEqual(failing);
});
