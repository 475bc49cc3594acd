/** The simulated world: time, processes that pause, connections that are cut. */
import { seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { SimulatedClient } from '../src/world/client.js';
import { Connection, type Link } from '../src/world/connection.js';
import { Machine } from '../src/world/machine.js';
import { SimulatedNode } from '../src/world/node.js';
import { Scheduler } from '../src/world/scheduler.js';

const RIGHT = { rate: 1, ahead: 0 };

describe('the scheduler', () => {
  it('carries out events by their time, those of one time in the order in which they were made', async () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    scheduler.at(20, () => seen.push('late'));
    scheduler.at(10, () => seen.push('first'));
    scheduler.at(10, () => seen.push('second'));
    scheduler.at(15, () => seen.push('cancelled')).cancel();
    await scheduler.run(() => false);
    expect(seen).toEqual(['first', 'second', 'late']);
    expect(scheduler.now).toBe(20);
  });

  it('carries out all that was awaited before the next event', async () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    scheduler.at(1, async () => {
      for (let turn = 0; turn < 50; turn += 1) await undefined;
      seen.push('awaited');
    });
    scheduler.at(1, () => seen.push('next'));
    await scheduler.run(() => false);
    expect(seen).toEqual(['awaited', 'next']);
  });

  it('ends with what an event throws', async () => {
    const scheduler = new Scheduler();
    scheduler.at(1, () => {
      throw new Error('an event');
    });
    await expect(scheduler.run(() => false)).rejects.toThrow('an event');
  });
});

describe('a process', () => {
  it('has a clock that runs at its own rate and is ahead or behind', async () => {
    const scheduler = new Scheduler();
    const machine = new Machine(scheduler, 'client', 1, { rate: 1.01, ahead: 5_000 });
    const wall = machine.clock.wall();
    let elapsed = 0;
    machine.clock.after(1_010, () => {
      elapsed = machine.clock.now();
    });
    await scheduler.run(() => false);
    expect(elapsed).toBeCloseTo(1_010, 1);
    expect(scheduler.now).toBe(1_000_000);
    expect(machine.clock.wall() - wall).toBe(1_000_000);
  });

  it('handles, after a pause, the timers that are due before what has arrived', async () => {
    const scheduler = new Scheduler();
    const machine = new Machine(scheduler, 'client', 1, RIGHT);
    const seen: string[] = [];
    scheduler.at(1_000, () => machine.pause(10_000, false));
    scheduler.at(2_000, () => machine.input(() => seen.push(`input at ${scheduler.now}`)));
    machine.clock.after(3, () => seen.push(`timer at ${scheduler.now}`));
    const cancelled = machine.clock.after(4, () => seen.push('cancelled'));
    scheduler.at(6_000, () => cancelled.cancel());
    await scheduler.run(() => false);
    expect(seen).toEqual(['timer at 11000', 'input at 11000']);
  });

  it('may be paused between a reading of the clock and what it does next', async () => {
    const scheduler = new Scheduler();
    const machine = new Machine(scheduler, 'client', 1, RIGHT);
    const seen: number[] = [];
    machine.pause(5_000, true);
    machine.run(() => {
      seen.push(machine.clock.now(), machine.clock.now(), machine.time);
      machine.whenReal(() => seen.push(scheduler.now));
    });
    await scheduler.run(() => false);
    expect(seen).toEqual([0, 5, 5_000, 5_000]);
  });

  it('does nothing any more when it has crashed', async () => {
    const scheduler = new Scheduler();
    const machine = new Machine(scheduler, 'client', 1, RIGHT);
    machine.clock.after(5, () => expect.unreachable());
    machine.alive = false;
    await scheduler.run(() => false);
    expect(scheduler.now).toBe(5_000);
  });
});

describe('a connection', () => {
  function wire(): { scheduler: Scheduler; link: Link; connection: Connection; seen: string[] } {
    const scheduler = new Scheduler();
    const link: Link = { lag: 0, cut: { up: false, down: false } };
    const seen: string[] = [];
    const random = new Machine(scheduler, 'chance', 7, RIGHT).random;
    const latency = { base: 100, jitter: 1_000 };
    const connection = new Connection({ scheduler, random, latency }, link, {
      client: {
        onMessage: (_, message) => seen.push(message),
        onClose: (reason) => seen.push(reason),
      },
      node: {
        receive: (_, { name, answer }) => {
          seen.push(name);
          answer(`${name} done`);
        },
        forget: () => seen.push('forgotten'),
      },
    });
    return { scheduler, link, connection, seen };
  }

  const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `C${index}`);

  it('keeps the order, whatever chance adds to the latency', async () => {
    const { scheduler, connection, seen } = wire();
    for (const name of names(30)) connection.send(0, { name, args: [] }, () => {});
    await scheduler.run(() => false);
    expect(seen).toEqual(names(30));
  });

  it('delivers what was held up by a cut when it is mended, in order', async () => {
    const { scheduler, link, connection, seen } = wire();
    link.cut.up = true;
    for (const name of names(5)) connection.send(0, { name, args: [] }, () => {});
    scheduler.at(1_000_000, () => {
      expect(seen).toEqual([]);
      link.cut.up = false;
      connection.heal();
    });
    await scheduler.run(() => false);
    expect(seen).toEqual(names(5));
  });

  it('answers nobody when it has broken, but may still deliver what was under way', async () => {
    const { scheduler, connection, seen } = wire();
    connection.send(0, { name: 'LATE', args: [] }, () => expect.unreachable());
    connection.break(60_000);
    await scheduler.run(() => false);
    expect(seen).toEqual(['read ECONNRESET', 'LATE', 'forgotten']);
  });

  it('loses what was under way when it breaks at both ends', async () => {
    const { scheduler, connection, seen } = wire();
    connection.send(0, { name: 'LOST', args: [] }, () => expect.unreachable());
    connection.break(undefined);
    await scheduler.run(() => false);
    expect(seen).toEqual(['forgotten', 'read ECONNRESET']);
  });
});

describe('a client of a simulated node', () => {
  it('carries every byte through a script, and tells how many there are', async () => {
    const scheduler = new Scheduler();
    const random = seededRandom(1);
    const machine = new Machine(scheduler, 'client', 1, RIGHT);
    const client = new SimulatedClient({
      ...{ scheduler, random, machine, latency: { base: 100, jitter: 10 }, resends: false },
      node: new SimulatedNode({ scheduler, random, clock: RIGHT, name: 'node' }),
      link: { lag: 0, cut: { up: false, down: false } },
      onConnection: () => {},
      onClient: () => {},
    });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const script =
      "redis.call('SET', KEYS[1], ARGV[1]); return {redis.call('GET', KEYS[1]), #ARGV[1], #ARGV[2]}";
    let reply: unknown;
    machine.run(() => {
      void client
        .connect()
        .then(() => client.callBuffer('EVAL', [script, '1', 'key', bytes, 'é']))
        .then((answer) => {
          reply = answer;
        });
    });
    await scheduler.run(() => reply !== undefined);
    expect(reply).toEqual([bytes, 256, 2]);
  });
});
