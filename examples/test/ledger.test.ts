/** The demonstration: its verdict, with and without the guard, and that nothing of it is left, however it ends. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { HELP, readOptions, UsageError } from '../src/ledger/options.js';
import { gone, Program, run } from './program.js';

const DEMO = 'ledger/main.ts';

/** The figures of the last line: acknowledged, in the ledger, lost, refused. */
function figures(output: string): number[] {
  const line = output.trim().split('\n').at(-1) ?? '';
  const found = /acknowledged (\d+), in the ledger (\d+), lost (\d+), refused (\d+)/.exec(line);
  return (found ?? []).slice(1).map(Number);
}

function folderOf(program: Program): string {
  return fileURLToPath(new URL(`../../.holdfast/demo/${program.process.pid}`, import.meta.url));
}

it('guarded, it loses nothing and refuses stale writes, also in a second', async () => {
  const program = new Program(DEMO, ['--for', '1s', '--workers', '4', '--seed', '7']);
  expect(await program.ended(), program.output).toBe(0);
  const [acknowledged, kept, lost, refused] = figures(program.output);
  expect(acknowledged).toBeGreaterThan(3);
  expect(kept).toBeGreaterThanOrEqual(acknowledged ?? 0);
  expect(lost).toBe(0);
  expect(refused).toBeGreaterThanOrEqual(1);
  expect(program.output).toMatch(/^faults: workers stopped [1-9]/m);
  expect(existsSync(folderOf(program))).toBe(false);
});

// How it ends is proven for the shop, whose processes are started by the same class.
if (process.env['HOLDFAST_TESTS'] === 'full') {
  it('unfenced, the same run loses updates and says so', async () => {
    const { code, output } = await run(DEMO, ['--for', '1s', '--workers', '4', '--unfenced']);
    const [, , lost, refused] = figures(output);
    expect(lost, output).toBeGreaterThanOrEqual(1);
    expect(refused).toBe(0);
    expect(output).toContain('ACCEPTED');
    expect(code).toBe(1);
  });

  it.each([
    ['SIGINT', 130, 'while it starts', '--seed'],
    ['SIGINT', 130, 'while a worker is stopped', 'stopped between its read and its write'],
    ['SIGTERM', 143, 'while a node is down', ' killed\n'],
  ] as const)('%s ends it with %i %s, with nothing left', async (signal, code, _, moment) => {
    const program = new Program(DEMO, ['--for', '20s']);
    await program.printed(moment);
    const family = program.family();
    program.process.kill(signal);
    expect(await program.ended(), program.output).toBe(code);
    await gone(family);
    expect(existsSync(folderOf(program))).toBe(false);
  });

  it('killed while a worker is stopped, it leaves nothing running', async () => {
    const program = new Program(DEMO, ['--for', '20s']);
    await program.printed('stopped between its read and its write');
    const family = program.family();
    expect(family.length).toBeGreaterThan(14);
    program.process.kill('SIGKILL');
    await program.ended();
    await gone(family);
    await rm(folderOf(program), { recursive: true });
  });
}

it('says why it could not run', async () => {
  const { code, output } = await run(DEMO, [], { HOLDFAST_REDIS_SERVER: '/nowhere/redis-server' });
  expect(code).toBe(2);
  expect(output).toMatch(/could not run: .*\/nowhere\/redis-server/);
});

it('refuses wrong arguments in two lines', async () => {
  const { code, output } = await run(DEMO, ['--fast']);
  expect(code).toBe(64);
  expect(output.trim().split('\n')).toHaveLength(2);
});

it.each([
  [['--for', 'soon'], '--for'],
  [['--for', '0s'], '--for'],
  [['--workers', '1'], '--workers'],
  [['--seed', '-1'], '--seed'],
  [['--fast'], '--fast'],
  [['now'], 'now'],
])('names what is wrong with %j', (args, named) => {
  expect(() => readOptions(args)).toThrow(UsageError);
  expect(() => readOptions(args)).toThrow(named);
});

it('explains itself', () => {
  expect(readOptions(['--help'])).toBe('help');
  for (const option of ['--for', '--unfenced', '--seed', '--workers']) expect(HELP).toContain(option);
});
