/** A script and the function that is made of it answer the same, on a real Redis, call after call. */
import { type LocalNode, startNodes } from '@holdfast/local';
import { type Script, ScriptLibrary } from '@holdfast/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';

let node: LocalNode;
let redis: Redis;
beforeAll(async () => {
  const nodes = await startNodes(1);
  node = nodes.nodes[0] as LocalNode;
  redis = new Redis(node.url);
});
afterAll(async () => {
  redis.disconnect();
  await node.stop();
});

interface Both {
  readonly asScript: (...args: readonly string[]) => Promise<unknown>;
  readonly asFunction: (...args: readonly string[]) => Promise<unknown>;
}

async function bothOf(lua: string): Promise<Both> {
  const library = new ScriptLibrary({ verb: lua });
  const { text, functionName } = library.scripts.get('verb') as Script;
  await redis.call('FUNCTION', 'LOAD', 'REPLACE', library.text);
  return {
    asScript: (...args) => redis.eval(text, 1, 'key', ...args),
    asFunction: (...args) => redis.call('FCALL', functionName, '1', 'key', ...args),
  };
}

const COUNTING = `
-- What the functions change is the call's own.
local LIMIT, WORDS = 3 * 1000, {one = 'un', two = 'deux'}
local TELLERS = {
  loud = function(word)
    return string.upper(word)
  end,
}
function TELLERS.soft(word)
  return string.lower(word)
end
TELLERS['end'] = function(word) return word .. '.' end
local counted, last = 0
local seen = {}
local function note(word) -- and what they call
  counted = counted + 1
  seen[#seen + 1] = word
  last = word
end
local key, how = KEYS[1], ARGV[1]
if how == 'fail' then
  note('failed')
  return redis.call('NONSENSE')
elseif how == 'none' then
  return {counted, #seen}
else
  note(WORDS[how] or how)
end
for index = 2, #ARGV do
  note(TELLERS[ARGV[index]](last))
end
repeat
  note('again')
until counted > 3
local reply = {key, counted, LIMIT, last or ''}
for _, word in ipairs(seen) do reply[#reply + 1] = word end
return reply`;

it('answers as the script does, and begins each call with nothing of the one before', async () => {
  const { asScript, asFunction } = await bothOf(COUNTING);
  const calls = [['one', 'loud', 'soft', 'end'], ['none'], ['x'], ['fail'], ['none'], ['two', 'end']];
  for (const call of calls) {
    const [one, other] = await Promise.allSettled([asScript(...call), asFunction(...call)]);
    expect(other.status).toBe(one.status);
    if (one.status === 'fulfilled' && other.status === 'fulfilled') expect(other.value).toEqual(one.value);
  }
  expect(await asFunction('none')).toEqual([0, 0]);
});

it('makes its functions once, and keeps no arguments between calls', () => {
  const { text } = new ScriptLibrary({ verb: COUNTING });
  const call = text.slice(text.indexOf('local function hoisted_run'));
  expect(call).not.toContain('local function note');
  expect(call).not.toContain('TELLERS.soft');
  expect(call).toContain('KEYS, ARGV = nil, nil');
});

it('takes more variables than a function of Lua may mention', async () => {
  const names = Array.from({ length: 130 }, (_, index) => `v${index}`);
  const parts = [names.slice(0, 50), names.slice(50, 100), names.slice(100)];
  const { asScript, asFunction } = await bothOf(`
${names.map((name) => `local ${name} = 0`).join('\n')}
${parts.map((part, index) => `local function add${index}() ${part.map((name) => `${name} = ${name} + 1`).join(' ')} end`).join('\n')}
add0() add1() add2() add2()
return {v0, v99, v129}`);
  const expected = [1, 1, 2];
  expect(await asScript()).toEqual(expected);
  expect(await asFunction()).toEqual(expected);
  expect(await asFunction()).toEqual(expected);
});

it('refuses a variable that is declared twice and that a function mentions', () => {
  const lua = 'local at = 1\nlocal function next() return at + 1 end\nlocal at = 5\nreturn next() + at';
  expect(() => new ScriptLibrary({ verb: lua }).text).toThrow('declares "at" twice');
});

it('leaves out what nothing mentions, and says where Lua would have no room', async () => {
  const made = (count: number, used: string): string => {
    const helpers = Array.from({ length: count }, (_, n) => `local function helper${n}() return ${n} end`);
    return `\n${helpers.join('\n')}\nreturn ${used}\n`;
  };
  const { asFunction } = await bothOf(made(300, 'helper7()'));
  expect(await asFunction()).toBe(7);
  const all = Array.from({ length: 300 }, (_, n) => `helper${n}()`).join(' + ');
  await expect(bothOf(made(300, all))).rejects.toThrow('has 302 variables and functions');
});

it('keeps a helper that one function alone mentions in a block of that function, as a script of many too', async () => {
  // Each of 120 functions has a helper, and a constant of that helper: 360 variables in all.
  const parts = Array.from({ length: 120 }, (_, n) =>
    [
      `local OF_${'ABCDEFGHIJ'.charAt(n / 12)}${'ABCDEFGHIJKL'.charAt(n % 12)} = ${n}`,
      `local function helper${n}() return OF_${'ABCDEFGHIJ'.charAt(n / 12)}${'ABCDEFGHIJKL'.charAt(n % 12)} end`,
      `local function part${n}(depth)`,
      `  return depth > 0 and part${n}(depth - 1) or helper${n}()`,
      'end',
    ].join('\n'),
  );
  // Two functions share this one, so it stays.
  const shared =
    'local function both() return 1 end\nlocal function one() return both() end\nlocal function two() return both() + 1 end';
  const sums = [0, 40, 80].map(
    (from) =>
      `local function sum${from}() return ${Array.from({ length: 40 }, (_, n) => `part${from + n}(2)`).join(' + ')} end`,
  );
  const { asScript, asFunction } = await bothOf(
    `\n${shared}\n${parts.join('\n')}\n${sums.join('\n')}\n-- verb: adds\nreturn sum0() + sum40() + sum80() + one() + two()`,
  );
  const expected = (119 * 120) / 2 + 3;
  expect(await asScript()).toBe(expected);
  expect(await asFunction()).toBe(expected);
  expect(await asFunction()).toBe(expected);
});
