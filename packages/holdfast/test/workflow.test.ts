/** `holdfast workflow`: what it shows of the runs of a real app, and what it gives to them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createWorkflows } from '@holdfast/workflow';
import { expect, test } from 'vitest';
import { begin, letter, order, useShop } from './shop.js';

const shop = useShop();
const call = (...words: string[]) => begin(shop.url, words).ended;

test('starts a run by the name of its workflow, shows it, sends to it and gives its result', async () => {
  const started = await call('start', 'order', '--id', 'o1', '--key', 'a42', '--input', '{"id":"o1"}');
  expect(started).toEqual({ code: 0, stdout: 'o1\n', stderr: '' });
  await expect.poll(async () => (await shop.app.counts(order)).sleeping).toBe(1);
  const shown = await call('show', 'order', 'o1', '--key', 'a42');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /^workflow +order\nid +o1\nkey +a42\nstate +sleeping\nstarted +\d{4}-\S+Z\ninput +\{"id":"o1"\}\n/,
  );
  expect(shown.stdout).toMatch(
    /\n0 +price +step +retried +1 +\d{16} +\S+s +\S+s +█+ +busy\n0 +price +step +done +2 +\d{16} +\S+s +\S+s +█+\n/,
  );
  expect(shown.stdout).toMatch(/\n1 +approval +timer +open +due \d{4}-/);
  const sent = await call('send', 'order', 'o1', 'approval', '--key', 'a42', '--payload', '"eve"');
  expect(sent).toEqual({ code: 0, stdout: '"approval" was sent to o1.\n', stderr: '' });
  const again = ['start', 'order', '--id', 'o1', '--key', 'a42', '--result'];
  expect(await call(...again)).toEqual({ code: 0, stdout: '"o1 for 42, approved by eve"\n', stderr: '' });
  expect(await call('send', 'order', 'o1', 'more', '--key', 'a42')).toMatchObject({
    code: 1,
    stdout: 'o1 is over.\n',
  });
  const json = JSON.parse((await call('show', 'order', 'o1', '--key', 'a42', '--json')).stdout);
  expect(json).toMatchObject({ workflow: 'order', id: 'o1', status: 'completed', approvals: [] });
  expect(json.records).toEqual(await shop.app.get(order, 'o1', { key: 'a42' }).history());
});

test('lists the workflows of an app, and its runs by state and time', async () => {
  const failed = await call('start', 'broken', '--id', 'b1', '--result');
  expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('sold out') });
  const listed = await call('ls');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(
    /^workflow +waiting +delayed +running .* oldest +takeovers\nbroken +0 +0 +0 +0 +0 +0 +1 +0 +0ms +0\nletter .*\norder /,
  );
  const [runs, older] = await Promise.all([
    call('show', 'broken', '--state', 'failed', '--from', '1h', '--json'),
    call('show', '--state', 'failed', '--to', '1h', '--json'),
  ]);
  expect(JSON.parse(runs.stdout)).toMatchObject([{ workflow: 'broken', id: 'b1', state: 'failed' }]);
  expect(JSON.parse(older.stdout)).toEqual([]);
  expect((await call('show', 'broken', 'b1')).stdout).toMatch(/never +step +failed +1 +\d+ .* sold out\n$/);
});

test('shows control characters, and does not let them at the terminal', async () => {
  const failed = await call(
    'start',
    'broken',
    '--id',
    'b2',
    '--input',
    '"\\u001b[2J\\nstate  completed"',
    '--result',
  );
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toContain(': \\u001b[2J\nstate  completed\n');
  const { stdout } = await call('show', 'broken', 'b2');
  expect(stdout).toMatch(/^reason .*: \\u001b\[2J\\nstate {2}completed$/m);
  expect(stdout).toMatch(/^state +failed$/m);
  expect(stdout).not.toMatch(/[^\n\P{Cc}]/u);
});

test.each<[string, string[], number, RegExp]>([
  ['an app that its user may not see', ['ls', '--app', 'other'], 64, /does not let this user do that/],
  ['a codec that is not there', ['ls', '--codec', 'no.js'], 64, /--codec .*no\.js.* cannot be read/],
  [
    'a codec that is none',
    ['ls', '--codec', 'packages/queue/test/double.mjs'],
    64,
    /codec is an object with encode, decode/,
  ],
  [
    'a workflow that is not there',
    ['start', 'ordre'],
    64,
    /no workflow "ordre".*it has broken, letter, order\./,
  ],
  ['a run that is not there', ['show', 'order', 'o9'], 64, /There is no run "o9" of "order"/],
  ['an input that is no JSON', ['start', 'order', '--input', '{id}'], 64, /--input is JSON.*got "\{id\}"/],
  ['a state that is none', ['show', '--state', 'dead'], 64, /--state is one of waiting, .*got "dead"/],
  ['a time that is none', ['show', '--from', 'now'], 64, /--from is a time .*got "now"/],
  ['a state with an id', ['show', 'order', 'o1', '--state', 'stuck'], 64, /--state is for lists/],
  ['a key for a list', ['show', 'order', '--key', 'k'], 64, /--key is for one run/],
])('says what is wrong with %s', async (_, words, code, message) => {
  const ended = await call(...words);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(message);
});

test('reads what a codec has encoded with that codec, and says what is missing without it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const codec = join(folder, 'codec.mjs');
  await writeFile(codec, CODEC);
  const { default: turned } = await import(pathToFileURL(codec).href);
  const secrets = createWorkflows({ redis: shop.url, name: 'shop', workflows: [letter], codec: turned });
  try {
    await secrets.start(letter, 'alice', { id: 'secret', delay: 3_600_000 });
    const shown = await call('show', 'letter', 'secret', '--codec', codec);
    expect(shown.stdout).toMatch(/\ninput +alice\n/);
    const without = await call('show', 'letter', 'secret');
    expect(without).toMatchObject({ code: 64, stderr: expect.stringContaining('give --codec') });
  } finally {
    await secrets.close();
    await rm(folder, { recursive: true });
  }
});

/** Turns the bytes around. */
const CODEC = `const turn = (bytes) => Uint8Array.from(bytes).reverse();
export default { encode: turn, decode: turn };
`;
