/**
 * The sums of minutes in Redis. The sensor is sealed, so that a worker which has lost its run does not put an older sum in place
 * of a newer one; and a sum is set, not added to, so that a repetition changes nothing.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Parts } from './sensor.js';

export const sumsIn =
  (guard: RedisGuard): Parts['push'] =>
  async (step, sensor, { at, sum, count }) => {
    const { write } = await guard.seal(step, { resource: `sensor:${sensor}` });
    await write([['HSET', `minutes:${sensor}`, at, `${sum} ${count}`]]);
  };
