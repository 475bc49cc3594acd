/** What the command line says before it does anything: help, and what it does not understand. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '@holdfast/kernel';
import { expect, test } from 'vitest';
import * as workflowOptions from '../src/commands/workflow/options.js';
import { parseDuration } from '../src/durations.js';
import { loadCommands, main } from '../src/main.js';
import * as options from '../src/options.js';
import { BIN, Cli, holdfast } from './cli.js';

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

async function call(words: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const result = { stdout: '', stderr: '' };
  const code = await main(words, {
    env,
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    signals: process,
    clock: undefined as never,
  });
  return { code, ...result };
}

const COMMANDS = await loadCommands();

/** The words that call a command, or each action of a group. */
const callsOf = (command: (typeof COMMANDS)[number]): string[][] =>
  'actions' in command ? command.actions.map(({ name }) => [command.name, name]) : [[command.name]];

test('help names every command, and each of them explains itself', async () => {
  const top = await call(['--help']);
  expect(top).toMatchObject({ code: 0, stderr: '' });
  for (const line of top.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  for (const command of COMMANDS) {
    expect(top.stdout).toContain(`\n  ${command.name} `);
    for (const words of callsOf(command)) {
      const help = await call([...words, '--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain(`Usage: holdfast ${words.join(' ')}`);
      for (const section of ['Options:', 'Exit codes:', 'Example:']) expect(help.stdout).toContain(section);
      for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      expect(await call(['help', ...words])).toEqual(help);
    }
  }
});

test('help of a group names its actions', async () => {
  for (const group of COMMANDS) {
    if (!('actions' in group)) continue;
    const help = await call([group.name, '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const { name, summary } of group.actions) {
      expect(help.stdout).toContain(`\n  ${name} `);
      expect(help.stdout).toContain(summary);
    }
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(await call(['help', group.name])).toEqual(help);
    expect((await call([group.name])).stderr).toMatch(/an action is missing; the actions are /);
  }
});

test('every option is in the help of some command, with its default and its variable', async () => {
  let text = '';
  for (const words of COMMANDS.flatMap(callsOf)) text += (await call([...words, '--help'])).stdout;
  const flat = text.replace(/\s+/g, ' ');
  for (const option of [options, workflowOptions].flatMap((module) => Object.values(module).flat())) {
    expect(flat).toContain(`--${option.name}`);
    if (option.default) expect(flat).toContain(`default ${option.default}`);
    if (option.env) expect(flat).toContain(`environment ${option.env}`);
  }
});

test('the executable answers --version, and shows the help when it is not told what to do', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  expect(await holdfast(['--version']).ended).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  const { code, stdout, stderr } = await holdfast([]).ended;
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toContain('Usage: holdfast <command>');
});

const URLS = 'redis://127.0.0.1:1,redis://127.0.0.1:2,redis://127.0.0.1:3';

test.each<[string, string[], RegExp]>([
  [
    'an unknown command',
    ['frobnicate'],
    /^holdfast: unknown command "frobnicate".*\nTry "holdfast --help"\.\n$/,
  ],
  [
    'an unknown option',
    ['run', '--frob'],
    /^holdfast: unknown option '--frob'\.\nTry "holdfast run --help"\.\n$/,
  ],
  ['an option without its value', ['run', '--lock'], /--lock <value>' argument missing/],
  [
    'an unknown action',
    ['nodes', 'swap', 'redis://a'],
    /unknown action "swap"; the actions are status, add, remove, commit\.\nTry "holdfast nodes --help"/,
  ],
  ['an option of another action', ['nodes', 'add', 'redis://a', '--gone'], /unknown option '--gone'/],
  [
    'a limit for an action that lists nothing',
    ['queue', 'pause', 'a', '--limit', '3'],
    /unknown option '--limit'/,
  ],
  [
    'two addresses of one Redis',
    ['queue', 'ls', '--redis', 'redis://a,redis://b'],
    /--redis is one address; got 2/,
  ],
  [
    'a state with an id',
    ['queue', 'show', 'a', 'x', '--redis', 'redis://127.0.0.1:1', '--state', 'dead'],
    /--state is for lists/,
  ],
  ['an operand too many', ['queue', 'ls', 'a', '--redis', 'redis://127.0.0.1:1'], /unexpected argument "a"/],
  ['no node', ['nodes', 'add'], /the address of the node is missing/],
  ['an address that is none', ['nodes', 'add', 'me:s3cret@host'], /the node is an address such as/],
  ['a switch with a value', ['init', '--replace=yes'], /--replace' does not take an argument/],
  ['run without --lock', ['run', '--nodes', URLS, '--', 'true'], /--lock is missing/],
  ['run without a program', ['run', '--lock', 'a', '--nodes', URLS], /the program is missing/],
  ['run with a program in the wrong place', ['run', '--lock', 'a', 'ls'], /unexpected argument "ls"/],
  [
    'a TTL that is none',
    ['run', '--lock', 'a', '--ttl', '5 apples', '--', 'true'],
    /--ttl is a duration.*"5 apples"/,
  ],
  [
    'a TTL above the limit',
    ['run', '--lock', 'a', '--nodes', URLS, '--ttl', '2h', '--', 'true'],
    /to 30000; got 7200000/,
  ],
  ['inspect without a name', ['inspect', '--nodes', URLS], /the name of the resource is missing/],
  ['an even number of nodes', ['init', '--nodes', 'redis://a,redis://b'], /2 nodes tolerate.*--allow-even/],
  [
    'a persistence that does not exist',
    ['init', '--nodes', URLS, '--persistence', 'some'],
    /"none" or "synchronous"/,
  ],
  ['up with an even number', ['up', '--nodes', '4'], /--nodes is an odd number/],
  ['up beyond the last port', ['up', '--port', '65534'], /--port is a number from 0 to 65531; got "65534"/],
])('%s is misuse', async (_, words, message) => {
  const { code, stdout, stderr } = await call(words);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(message);
});

test('without nodes it says how to give them', async () => {
  for (const words of [['run', '--lock', 'a', '--', 'true'], ['inspect', 'a'], ['init'], ['doctor']]) {
    const { code, stderr } = await call(words, { HOLDFAST_NODES: '' });
    expect(code).toBe(64);
    for (const hint of ['--nodes', 'HOLDFAST_NODES', 'holdfast up']) expect(stderr).toContain(hint);
  }
});

test('a wrong variable is named; a flag goes before it', async () => {
  const env = { HOLDFAST_MAX_TTL: 'long', HOLDFAST_NODES: URLS };
  expect((await call(['init'], env)).stderr).toMatch(/^holdfast: HOLDFAST_MAX_TTL is a duration.*"long"/);
  expect((await call(['init', '--max-ttl', 'short'], env)).stderr).toMatch(
    /^holdfast: --max-ttl is.*"short"/,
  );
});

test('with --json an error is one line of JSON', async () => {
  const { code, stderr } = await call(['inspect', '--json', 'a']);
  expect(code).toBe(64);
  expect(JSON.parse(stderr)).toEqual({
    code: 'HOLDFAST_MISUSE',
    message: expect.stringContaining('no nodes'),
  });
});

test.each([
  'redis://:hunter2',
  'redis:/user:hunter2@host',
  'user:hunter2@host:1',
  'unix:user:hunter2@/socket',
  'redis://user:hunter2%@host',
  'redis://user:hun/ter2hunter2@host',
  'redis://host/hunter2',
  'redis://user:hunter2@host/x',
])('a password in %s is never shown', async (address) => {
  for (const nodes of [address, `${address},redis://b,redis://c`]) {
    const given = await call(['init', '--nodes', nodes]);
    const { code, stdout, stderr } = await call(['init', '--json'], { HOLDFAST_NODES: nodes });
    expect([given.code, code]).toEqual([64, 64]);
    expect(given.stdout + given.stderr + stdout + stderr).not.toContain('hunter2');
  }
  expect((await call(['init', address])).stderr).toMatch(/unexpected argument/);
});

test('durations are read with units, and nothing is guessed', () => {
  const known = {
    '250ms': 250,
    '10s': 10_000,
    '2m': 120_000,
    '1h': 3_600_000,
    '5000': 5_000,
    '1.5s': 1_500,
    '0': 0,
  };
  for (const [text, duration] of Object.entries(known)) expect(parseDuration(text)).toBe(duration);
  for (const text of ['', 's', '10 s', '-1s', '1d', '1e3', '0.5ms', '1s2ms', 'NaN', '99999999999999999h']) {
    expect(parseDuration(text)).toBeUndefined();
  }
  expect([0, 250, 8_200, 30_000, 60_000, 90_000, 3_600_000].map(formatDuration)).toEqual([
    '0ms',
    '250ms',
    '8.2s',
    '30s',
    '1m',
    '90s',
    '1h',
  ]);
});

test('says in one line that its output cannot be written, and minds no reader that has left', async () => {
  const into = (rest: string) =>
    new Cli(
      'bash',
      ['-c', `set -o pipefail; "$@" ${rest}`, 'bash', process.execPath, ...BIN, '--version'],
      {},
    ).ended;
  expect(await into('> /dev/full')).toEqual({
    ...{ code: 74, stdout: '' },
    stderr: 'holdfast: the output cannot be written (ENOSPC).\n',
  });
  expect(await into('| true')).toEqual({ code: 0, stdout: '', stderr: '' });
});
