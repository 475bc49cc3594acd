/** The shop: its verdict, with and without the guard, and that nothing of it is left, however it ends. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Booking } from '../src/shop/accounts.js';
import { HELP, readOptions } from '../src/shop/options.js';
import { type Facts, judge, verdictLines } from '../src/shop/verdict.js';
import { gone, Program, run } from './program.js';

const SHOP = 'shop/main.ts';
const often = process.env['HOLDFAST_TESTS'] === 'full';

function folderOf(program: Program): string {
  return fileURLToPath(new URL(`../../.holdfast/shop/${program.process.pid}`, import.meta.url));
}

it('charges every order once while a worker freezes, and leaves nothing', async () => {
  const program = new Program(SHOP, ['--for', '6s', '--rate', '10', '--port', '0', '--seed', '7']);
  await program.printed('faults begin');
  const family = program.family();
  expect(family.length).toBeGreaterThan(10);
  expect(await program.ended(), program.output).toBe(0);
  expect(program.output).toMatch(
    /^Verdict: good\. orders \d{2}, charged twice 0, lost 0, stale writes refused [1-9]/m,
  );
  expect(program.output).toMatch(/: REFUSED, account:\d+ has seen …\d{6}/);
  await gone(family);
  expect(existsSync(folderOf(program))).toBe(false);
});

it.runIf(often)('charges orders twice without the guard, and says so', async () => {
  const { code, output } = await run(SHOP, ['--for', '9s', '--unfenced', '--port', '0', '--seed', '7']);
  expect(code, output).toBe(1);
  expect(output).toContain('CHARGED TWICE');
  expect(output).toMatch(
    /^Verdict: FAILED\. orders \d+, charged twice [1-9]\d*, .* refused 0\. That is what a lease/m,
  );
});

it.runIf(often)('runs for as long as it is let, and ends with nothing left when interrupted', async () => {
  const program = new Program(SHOP, ['--no-faults', '--port', '0']);
  await program.printed('orders 1');
  const family = program.family();
  program.process.kill('SIGINT');
  expect(await program.ended(), program.output).toBe(130);
  await gone(family);
  expect(existsSync(folderOf(program))).toBe(false);
});

it.runIf(often)('leaves nothing running when it is killed while a worker is frozen', async () => {
  const program = new Program(SHOP, ['--for', '12s', '--port', '0']);
  await program.printed(' froze after it sealed');
  const family = program.family();
  program.process.kill('SIGKILL');
  await program.ended();
  await gone(family);
  await rm(folderOf(program), { recursive: true });
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
  expect(verdictLines(good, judge(good), true).at(-1)).toBe(
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
