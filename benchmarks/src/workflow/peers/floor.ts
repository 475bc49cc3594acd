/**
 * The floor: no engine, only what none can do without: one script a step that compares the owner's token and appends a
 * record, one that begins and one that ends the run.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Peer } from './peer.js';

const BEGIN = `
redis.call('RPUSH', KEYS[1], ARGV[1])
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[3], KEYS[1], token)
return token`;
const STEP = `
if redis.call('HGET', KEYS[2], KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('RPUSH', KEYS[1], ARGV[2])`;
const END = `
if redis.call('HGET', KEYS[2], KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[2], KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[2])
return redis.call('PEXPIRE', KEYS[1], 60000)`;
const OWNERS = '{floor}:owners';

interface Scripts {
  begin(journal: string, tokens: string, owners: string, input: string): Promise<number>;
  step(journal: string, owners: string, token: string, record: string): Promise<number>;
  end(journal: string, owners: string, token: string, record: string): Promise<number>;
}

export const floor: Peer = {
  name: 'floor: scripts',
  package: undefined,
  isSplit: false,
  async open({ redis: url }) {
    const redis = new Redis(url);
    redis.defineCommand('begin', { lua: BEGIN, numberOfKeys: 3 });
    redis.defineCommand('step', { lua: STEP, numberOfKeys: 2 });
    redis.defineCommand('end', { lua: END, numberOfKeys: 2 });
    const scripts = redis as unknown as Scripts;
    const run = async (steps: number, lap: () => void): Promise<number> => {
      const journal = `{floor}:${randomUUID()}`;
      const token = String(await scripts.begin(journal, '{floor}:tokens', OWNERS, String(steps)));
      for (let step = 0; step < steps; step += 1) {
        lap();
        await scripts.step(journal, OWNERS, token, `S ${step} noop\n1`);
      }
      lap();
      await scripts.end(journal, OWNERS, token, `Z\n${steps}`);
      return steps;
    };
    return {
      run: (steps) => run(steps, () => {}),
      laps: async (steps) => {
        const times: number[] = [];
        await run(steps, () => times.push(performance.now()));
        return times.slice(1).map((time, index) => time - (times[index] as number));
      },
      close: async () => redis.disconnect(),
    };
  },
};
