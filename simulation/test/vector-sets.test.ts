/**
 * The vector sets of the model of Redis against real ones: each command that Holdfast uses has the same reply, also where it is an
 * error. Scores may differ by as much as a real server rounds. Needs Redis 8 or later; else the tests are left out.
 */
import { spawnSync } from 'node:child_process';
import { findServer, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { Dice } from '../src/plan/dice.js';
import { ModelServer, ServerError } from '../src/redis/index.js';

const version = spawnSync(findServer(), ['--version'], { encoding: 'utf8' }).stdout;
const hasSets = /^Redis server v=(?:[89]|\d\d)\./.test(version);

const ROUNDED = 0.02;

const bytesOf = (...numbers: readonly number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString('latin1');

type Sent = readonly [name: string, ...args: string[]];

function draw(dice: Dice): Sent {
  const key = dice.one(['k', 'k', 'k', 'l', 'text']);
  const element = `${dice.whole(0, 2)}:d${dice.whole(0, 7)}`;
  const dimensions = dice.chance(0.95) ? 4 : 3;
  const numbers = Array.from({ length: dimensions }, () => dice.between(-1, 1));
  const bytes = dice.chance(0.15) ? 'abc' : bytesOf(...numbers);
  switch (dice.one(['add', 'add', 'add', 'remove', 'remove', 'count', 'near', 'near', 'script'])) {
    case 'add':
      return ['VADD', key, 'FP32', bytes, element];
    case 'remove':
      return ['VREM', key, element];
    case 'count':
      return dice.chance(0.8) ? ['VCARD', key] : ['EXISTS', key];
    case 'near':
      return ['VSIM', key, 'FP32', bytes, 'WITHSCORES', 'COUNT', dice.chance(0.05) ? '0' : '100'];
    default:
      return [
        'EVAL',
        "return {redis.call('VREM', KEYS[1], ARGV[2]), redis.call('VADD', KEYS[1], 'FP32', ARGV[1], ARGV[2])}",
        ...['1', 'k', bytesOf(1, ...numbers.slice(0, 3)), element],
      ];
  }
}

/** What scores say, by their elements: equal scores have no order. */
function scoresOf(reply: unknown): ReadonlyMap<string, number> {
  const flat = (reply as unknown[]).map(String);
  return new Map(flat.flatMap((each, at) => (at % 2 === 0 ? [[each, Number(flat[at + 1])] as const] : [])));
}

async function said(carryOut: () => unknown): Promise<unknown> {
  try {
    return await carryOut();
  } catch (error) {
    return `error ${(error as Error).message.split(' script: ')[0]}`;
  }
}

if (hasSets) {
  it('the model says what Redis says', async () => {
    const seed = Date.now() % 1_000_000;
    const dice = new Dice(seed);
    await using nodes = await startNodes(1);
    const redis = new Redis(nodes.urls[0] ?? '', { protocol: 2 });
    const model = new ModelServer({
      ...{ time: () => Date.now() * 1_000, name: () => '0'.repeat(40) },
      ...{ publish: () => 0, listening: () => 0 },
    });
    try {
      const all: Sent[] = [['SET', 'text', 'a'], ...Array.from({ length: 600 }, () => draw(dice))];
      for (const [at, [name, ...args]] of all.entries()) {
        const where = `seed ${seed}, command ${at}: ${JSON.stringify([name, ...args])}`;
        const real = await said(() => redis.call(name, ...args.map((each) => Buffer.from(each, 'latin1'))));
        const modelled = await said(() => model.execute(name, args));
        if (name !== 'VSIM' || !Array.isArray(real)) {
          expect(modelled, where).toEqual(real);
          continue;
        }
        const [scores, wanted] = [scoresOf(modelled), scoresOf(real)];
        expect([...scores.keys()].sort(), where).toEqual([...wanted.keys()].sort());
        for (const [element, score] of wanted)
          expect(Math.abs((scores.get(element) ?? 9) - score), where).toBeLessThan(ROUNDED);
      }
    } finally {
      redis.disconnect();
    }
  });
} else {
  it('the model knows the commands', () => {
    const model = new ModelServer({
      ...{ time: () => 0, name: () => '0'.repeat(40), publish: () => 0, listening: () => 0 },
    });
    expect(model.execute('VADD', ['k', 'FP32', bytesOf(1, 0), 'a'])).toBe(1);
    expect(model.execute('VADD', ['k', 'FP32', bytesOf(0, 1), 'a'])).toBe(0);
    const near = ['k', 'FP32', bytesOf(1, 0), 'WITHSCORES', 'COUNT', '5'];
    expect(model.execute('VSIM', near)).toEqual(['a', '0.5']);
    expect(() => model.execute('VADD', ['k', 'FP32', bytesOf(1), 'b'])).toThrow(ServerError);
    expect(model.execute('VREM', ['k', 'a'])).toBe(1);
    expect(model.execute('EXISTS', ['k'])).toBe(0);
  });
}
