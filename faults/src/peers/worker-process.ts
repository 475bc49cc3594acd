/**
 * A worker of the comparison: it takes the lock again and again, and in each section reads, works, and writes back what
 * it read with an entry of its own added. It reports everything to its parent.
 *
 * Guarantees: it writes only while its library says that it may. It ends when its parent does.
 */
import { pause, seededRandom, systemClock } from '@holdfast/kernel';
import type { Saying, WorkerAssignment } from './assignment.js';
import { CONTENDERS, type Held } from './contenders.js';

const assignment = JSON.parse(process.argv[2] ?? '{}') as WorkerAssignment;
const { contender: index, name, seed } = assignment;
const random = seededRandom(seed);
const contender = CONTENDERS[index]?.open(assignment);

const say = (what: Omit<Saying, 'at'>): void => {
  process.send?.({ ...what, at: Number(process.hrtime.bigint() / 1000n) }, () => {});
};

process.on('disconnect', () => process.exit());
// An error about a node that is away, which a library throws past its caller, must not end the worker.
process.on('unhandledRejection', () => {});

for (let section = 1; ; section += 1) {
  await contender?.use((held) => work(held, `${name}.${section}`)).catch(() => {});
  await pause(systemClock, random.unit() * 50);
}

async function work(held: Held, id: string): Promise<void> {
  if (held.wasExpired) say({ what: 'expired', id });
  if (!held.isValid()) return;
  say({ what: 'in', id });
  try {
    const before = await held.read();
    const length = random.unit() < 0.3 ? random.unit() * 1.5 * 2_000 : random.unit() * 100;
    for (let left = length; left > 0; left -= 5) {
      await pause(systemClock, Math.min(5, left));
      if (!held.isValid()) return;
      say({ what: 'in', id });
    }
    await held.write(before === null ? id : `${before},${id}`);
    say({ what: 'written', id });
  } finally {
    say({ what: 'out', id });
  }
}
