/**
 * Runs the sensors: `main.ts [all | worker]`. A worker lets runs go on until SIGTERM. `all` is a worker that also publishes
 * readings of two sensors, shows the sums, and ends.
 *
 * Settings come from the environment: REDIS_URL; LEASE, after how many ms without a sign of life the runs of a worker go on
 * elsewhere; SILENCE, after how many ms without a reading the sum so far is pushed on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { type Reading, sensor } from './sensor.js';
import { sumsIn } from './sums.js';

const { REDIS_URL: url = 'redis://127.0.0.1:6379', LEASE = '5000', SILENCE = '120000' } = process.env;
const role = process.argv[2] ?? 'all';
if (role !== 'all' && role !== 'worker') {
  console.error(`Say all or worker; got "${role}".`);
  process.exit(64);
}

// This Redis has appendfsync always and no replica, so a restart forgets no mark. Leave the option out if yours has not.
const guard = createRedisGuard({ redis: url, persistence: 'synchronous' });
const measured = sensor({ push: sumsIn(guard), silence: role === 'all' ? 200 : Number(SILENCE) });
const workflows = createWorkflows({ redis: url, name: 'sensors', workflows: [measured] });
workflows.work({ lease: Number(LEASE) });

async function stop(): Promise<void> {
  await workflows.close(); // gives back what does not end within the grace of the worker
  await guard.close();
  console.log(`${role}: stopped`);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
console.log(`${role}: ready`);

if (role === 'all') {
  workflows.on('measured', measured, {
    key: (reading: Reading) => reading.sensor, // a sensor has one run
    input: (reading) => reading.sensor,
    send: 'reading',
  });
  const minute = Date.now() - (Date.now() % 60_000);
  const readings = [
    { sensor: 'cellar', at: minute, value: 8 },
    { sensor: 'cellar', at: minute + 1_000, value: 9 },
    { sensor: 'cellar', at: minute + 2_000, value: 999 }, // implausible
    { sensor: 'roof', at: minute, value: -3 },
    { sensor: 'roof', at: minute + 60_000, value: -4 }, // of the next minute
  ];
  // The id names the reading: published again after a failure, it counts once.
  const events = readings.map((data) => ({ name: 'measured', id: `${data.sensor}@${data.at}`, data }));
  await workflows.publish(events);
  await workflows.publish(events);
  const redis = new Redis(url);
  const sums = () => Promise.all(['cellar', 'roof'].map((each) => redis.hgetall(`minutes:${each}`)));
  while ((await sums()).flatMap((each) => Object.keys(each)).length < 3) await sleep(50);
  for (const each of await sums()) console.log(Object.values(each).join(', '));
  redis.disconnect();
  for (const id of ['cellar', 'roof']) await workflows.get(measured, id).cancel('it was only tried');
  await stop();
}
