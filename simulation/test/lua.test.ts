/** The Lua of the simulator against that of a real Redis: the same snippets, the same replies. */
import { startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareModel } from '../src/differential/index.js';
import { ModelServer } from '../src/redis/index.js';

let nodes: Awaited<ReturnType<typeof startNodes>>;
let redis: Redis;
beforeAll(async () => {
  nodes = await startNodes(1, { args: ['--enable-debug-command', 'yes'] });
  redis = new Redis(nodes.urls[0] ?? '');
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

const model = (): ModelServer =>
  new ModelServer({
    time: () => 1_790_000_000_000_000,
    name: () => 'a'.repeat(40),
    publish: () => 0,
    listening: () => 0,
  });

/** Expressions; each is returned as text, so that nothing is lost on the way. */
const NUMBERS = [
  ...['1', '-0', '1.5', '1e14', '1e15', '1790000000448244', '1/3', '100/3', '1e100', '-1e-5'],
  ...[
    '0.1 + 0.2',
    '123456789012345',
    '99999999999999',
    '1e21',
    '5 % 3',
    '-5 % 3',
    '5 % -3',
    '5.5 % 2',
    '7 - "3"',
  ],
  ...[
    '"10" + 5',
    '"0x10" + 0',
    '" 7 " * 2',
    '"1e3" + 0',
    '1790000000 * 1000000 + "448244"',
    '-"2"',
    '3 .. 4',
  ],
  ...[
    'math.floor(-1.5)',
    'math.ceil(1.2)',
    'math.abs(-3)',
    'math.max(1, 5, 3)',
    'math.min(4, 2)',
    'tonumber("12x")',
  ],
  ...[
    'tonumber(" 5 ")',
    'tonumber("")',
    'tonumber("inf")',
    'tonumber("1.")',
    'tonumber(".5")',
    'tonumber(nil)',
  ],
  ...['string.format("%.0f", 1790000000448244)', 'string.format("%.0f", 2.5)', 'string.format("%d", 3.7)'],
  ...[
    'string.format("%016.0f", 1790000000448244)',
    'string.format("%010.0f", 7)',
    'string.format("%07.2f", -1.5)',
  ],
];

/** What Redis has for bytes. */
const BYTES = [
  ...['string.byte("abc", 2)', 'string.byte("abc", -1)', 'string.char(104, 105)', '(string.byte("", 1))'],
  ...[
    '#{string.byte("abc", 1, -1)}',
    'struct.unpack("<H", "ab")',
    'struct.unpack("<BBHI4d", string.rep("a", 16))',
  ],
  ...[
    'struct.unpack("<I4", "xabcd", 2)',
    'struct.pack("<H", 24930)',
    '#struct.pack("<ddI4HHH", 1, 2, 3, 4, 5, 6)',
    'struct.pack("<Hc2c1", 24930, "cdx", "e")',
    'struct.unpack("<c2Bc1", "abcd")',
  ],
  ...[
    'struct.unpack("<d", struct.pack("<d", 0.1))',
    'struct.unpack("<dd", struct.pack("<dd", -1, 1e300), 9)',
  ],
  ...['struct.unpack("<d", "short")', 'struct.unpack("<H", "abc", 3)'],
];

const TEXTS = [
  ...['"a" .. 1 .. "b"', '#"abc"', 'string.len("four")', 'string.sub("hello", 2, 4)'],
  ...[
    'string.sub("hello", -3)',
    'string.sub("hello", 2)',
    'string.sub("hello", 4, 2)',
    'string.sub("hello", 0)',
  ],
  ...['string.upper("aB")', 'string.lower("aB")', 'string.rep("ab", 3)', 'string.rep("ab", 0)'],
  ...[
    'string.match("1790 client-1/x.1", "^%d+")',
    'string.match("1790 *", "^(%d+) %*$")',
    'string.match("x", "^%d+")',
  ],
  ...[
    'string.match("run_id:abc\\r\\n", "run_id:(%w+)")',
    'string.match("a-b", "a%-b")',
    'string.match("[x]", "%[(.)%]")',
  ],
  ...['string.match("aaa", "a-")', 'string.match("<a><b>", "<.->")', 'string.match("12ab", "[%d]+")'],
  ...['string.match("ab]", "[]]")', 'string.match("a^b", "[b^]+")', 'string.match("key=v", "(%w+)=(%w+)")'],
  ...[
    'string.find("abc", "b")',
    'string.find("a.c", ".", 1, true)',
    'string.find("abc", "z")',
    'string.find("abcb", "b", 3)',
  ],
  ...[
    'string.gsub("a.1r", "%.%d+r?$", "")',
    'string.gsub("hello", "l", "L")',
    'string.gsub("abc", "%w", "%0%0")',
  ],
  ...[
    'string.gsub("aaa", "a", "b", 2)',
    'string.format("%s:%d", "a", 5)',
    'string.format("%%")',
    'string.format("%s", 1.5)',
  ],
];

const LOGIC = [
  ...[
    'nil and 1',
    'false or nil',
    '0 and "zero is true"',
    '"" or 1',
    'not nil',
    'not 0',
    'nil == false',
    '1 == "1"',
  ],
  ...[
    '1 < 2',
    '"a" < "b"',
    '"B" < "a"',
    '2 >= 2',
    'type(nil)',
    'type(1)',
    'type({})',
    'type("")',
    'type(type)',
  ],
  ...[
    '#{1, 2, 3}',
    '#{}',
    '#{1, 2, nil}',
    '({10, 20})[2]',
    '({a = 5}).a',
    '({["k v"] = 6})["k v"]',
    'table.concat({1, 2, "x"}, ",")',
  ],
  ...[
    'unpack({1, 2, 3})',

    'table.concat({}, ",")',
    'tostring(nil)',
    'tostring(true)',
    'tostring(12)',
  ],
];

/** Whole scripts. */
const SCRIPTS = [
  'local a, b = 1; return {a, tostring(b)}',
  'local function f(...) return select("#", ...) end; return {f(), f(1, nil), (select(2, 7, 8, 9))}',
  'local found, last, i = {7, 8}, 5, 6; for index in ipairs({1, 2}) do found[index] = found[index] + 1 end; for n = 1, 1 do last = last + i end; return {found, last}',
  'local t = {}; t[#t + 1], t[#t + 2] = "a", "b"; t[#t + 1], t[#t + 2] = "c", "d"; return t',
  'local a, b, c = unpack({1, 2}); return {a, b, tostring(c)}',
  'local t = {}; for i = 1, 5 do t[i] = i * i end; return t',
  'local t = {}; for i = 5, 1, -2 do t[#t + 1] = i end; return t',
  'local n = 0; while true do n = n + 1; if n > 3 then break end end; return n',
  'local n = 0; repeat local m = n; n = n + 1 until m >= 3; return n',
  'repeat local n = 1; break until false; return {string.format("%05d %.3f", 42, 1.5), cjson.encode("a/\\"b\\n")}',
  'local sum = 0; for _, v in pairs({1, 2, a = 3}) do sum = sum + v end; return sum',
  'local out = {}; for i, v in ipairs({"a", "b", nil, "d"}) do out[#out + 1] = i .. v end; return out',
  'local out = {}; for w in string.gmatch("a1 b2", "%a%d") do out[#out + 1] = w end; return out',
  'local out = {}; for k, v in string.gmatch("a=1,b=2", "(%w)=(%w)") do out[#out + 1] = k .. v end; return out',
  'local function f(x) if x == 0 then return "done", 2 end return f(x - 1) end; return {f(3)}',
  'local function f() end; return {tostring(f()), 1}',
  'local a, b = 1, 2; a, b = b, a; return {a, b}',
  'local x = 1; do local x = 2 end; return x',
  'if nil then return 1 elseif false then return 2 else return 3 end',
  'return {1, nil, 3}',
  'return {1, false, 3}',
  'return {true, {"nested", {2.9}}}',
  'return 3.99',
  'return -3.99',
  'return false',
  'return redis.status_reply("FINE")',
  'return redis.error_reply("ERR mine")',
  'return {err = "ERR also mine"}',
  'return redis.call("SET", "k", 1790000000448244 + 0.5)',
  'redis.call("SET", "k", 5); return redis.call("GET", "k") + 1',
  'return type(redis.call("GET", "no such"))',
  'return redis.call("SET", "k", "v").ok',
  'local r = redis.pcall("HGET", "k"); return r.err',
  'redis.call("ZADD", "z", 1790000000448244, "m"); return redis.call("ZRANGE", "z", 0, 0, "WITHSCORES")[2] + 1 .. ""',
  'return KEYS[1] .. ARGV[1] .. #KEYS .. #ARGV .. tostring(ARGV[3])',
  'local function f(...) return ... end; return {f(1, 2, 3)}',
  'local function f(a, ...) local b, c = ...; return {a, b, tostring(c), ...} end; return f(1, 2)',
  'local function f(...) return redis.call("HSET", "h", ...) end; return {f("a", 1, "b", 2), redis.call("HGET", "h", "b")}',
  'local function f(...) return (...) end; return {f(7, 8)}',
  'local function f() return 1, 2 end; return {(f())}',
  'local function f() return 1, 2 end; local function g(...) return #{...} end; return {g(f()), g((f())), g((f()), f()), (f)()}',
  'local function f() return 1, 2 end; local a, b = (f()); return {a, tostring(b)}',
  'local function f() return 1, 2 end; local function g() return (f()) end; return {g()}',
  'local function f() return 1, 2 end; if (f()) and not (f() == 2) then return {(f() + 1), ("x")} end',
  'local function f() return 1, 2 end; return {string.sub("abcd", (string.find("abcd", "c", 1, true)))}',
  'local t = {}; function t.f(x) return x * 2 end; t["end"] = function() return 1 end; return {t.f(3), t["end"]()}',
  'local t = {3, 1, 2}; table.sort(t); return t',
  'local t = {"b", "a", "c"}; table.sort(t, function(one, other) return one > other end); return t',
  'local t = {1, 2, 3}; return {table.remove(t, 1), table.remove(t), #t, t[1]}',
  'return tostring(table.remove({}))',
  'local t = cjson.decode(ARGV[3] or "{\\"a\\": [1, true, \\"x\\"], \\"b\\": {\\"c\\": 2.5}}"); return {t.a[1], tostring(t.a[2]), t.a[3], tostring(t.b.c), tostring(t.d)}',
  'return 1 + nil',
  'return {} .. "x"',
  'return 1 < "2"',
  'local t; return t.x',
  'return #nil',
  'error("said")',
  'return no_such_global',
];

const wrap = (expression: string): string =>
  `local a, b, c = ${expression}\nreturn tostring(a) .. ' ' .. tostring(b) .. ' ' .. tostring(c)`;

async function evaluate(script: string): Promise<{ real: string; simulated: string }> {
  const input = ['1', 'key', 'one', 'two'];
  await redis.flushall();
  const describeError = (error: unknown): string => {
    const { message } = error as Error;
    // Where in the script it was, and the name of what was nil, only Lua's own compiler knows.
    const plain = message.replace(/ script: .*$/, '').replace(/user_script:\d+: /, '');
    return `error ${plain.replace(/(?:local|global|field|upvalue) '\w+'/, 'value')}`;
  };
  const real = await redis
    .call('EVAL', script, ...input)
    .then((reply) => JSON.stringify(reply), describeError);
  try {
    return { real, simulated: JSON.stringify(model().execute('EVAL', [script, ...input])) };
  } catch (error) {
    return { real, simulated: describeError(error) };
  }
}

describe('the Lua of the simulator', () => {
  it.each([...NUMBERS, ...TEXTS, ...BYTES, ...LOGIC])('evaluates %s as Redis does', async (expression) => {
    const { real, simulated } = await evaluate(wrap(expression));
    expect(simulated).toBe(real);
  });

  it.each(SCRIPTS)('runs "%s" as Redis does', async (script) => {
    const { real, simulated } = await evaluate(script);
    if (real.startsWith('error')) expect(simulated).toMatch(/^error/);
    else expect(simulated).toBe(real);
  });

  it.each([
    ['return loadstring("x")', 'the global "loadstring" is not supported here'],
    ['return string.reverse("x")', '"string.reverse" is not supported here'],
    ['x = 1', 'an assignment to a global is not supported here'],
    ['return string.match("a", "%b()")', 'has "%b", which is not supported here'],
    ['return string.format("%5.1f", 1)', 'the format "%5.1f" is not supported here'],
    ['return 2 ^ 3', 'the operator "^" is not supported here'],
  ])('refuses what it does not know: %s', (script, message) => {
    expect(() => model().execute('EVAL', [script, '0'])).toThrow(message);
  });
});

describe('the model of Redis', () => {
  it('answers as a real one does, to what nodes are sent and to what is wrong', {
    timeout: 60_000,
  }, async () => {
    const seed = Math.floor(Math.random() * 1_000_000) + 1;
    const { sequences, commands, differences } = await compareModel({ sequences: 300, seed });
    expect(differences, `npm run simulate -- model --sequences 300 --seed ${seed}`).toEqual([]);
    expect(sequences).toBe(300);
    expect(commands).toBeGreaterThan(3_000);
  });
});
