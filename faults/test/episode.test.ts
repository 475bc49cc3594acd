/** One short episode with a kill, a pause and a cut ends without a violation; and the judges do find violations. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import type { HistoryEvent } from '../src/history/event.js';
import { readHistories } from '../src/history/read.js';
import { command } from '../src/nemesis/command.js';
import { drawSchedule } from '../src/nemesis/schedule.js';
import { Totals } from '../src/totals.js';
import { LEDGERS } from '../src/traffic/assignment.js';
import { grantsIn, locks } from '../src/traffic/subject.js';
import { judgeChain } from '../src/validation/ledger.js';

it('an episode with a kill, a pause and a cut has grants and no violation', async () => {
  const deployed = await deployQuorum({ nodes: 5, clients: 2, persistence: 'everysec', clocks: false });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  try {
    const outcome = await runEpisode({
      subject: locks,
      number: 1,
      seed: 7,
      duration: 6_000,
      clients: 2,
      workers: 3,
      deployed,
      folder,
      keep: true,
      schedule: [
        { from: 500, until: 1_000, fault: { kind: 'kill-node', node: 0, empty: true } },
        { from: 800, until: 5_500, fault: { kind: 'freeze-client', client: 1 } },
        { from: 1_000, until: 3_000, fault: { kind: 'partition', how: 'dropped', client: 0, nodes: [1, 2] } },
        { from: 3_500, until: 3_600, fault: { kind: 'link', how: 'cut', client: 0, node: 3 } },
      ],
    });
    expect(outcome.violations).toEqual([]);
    expect(readHistories(folder).length).toBeGreaterThan(0);
    const totals = new Totals();
    totals.add(outcome);
    expect(grantsIn(totals.counts)).toBeGreaterThan(0);
    expect(totals.counts.get('write ok')).toBeGreaterThan(0);
    expect(Object.fromEntries(outcome.injected)).toEqual({
      'kill-node empty': 1,
      'freeze-client': 1,
      'partition dropped': 1,
      'link cut': 1,
    });
  } finally {
    await deployed.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('an episode whose nodes lose their locks behind our back has violations, and keeps the evidence', async () => {
  const deployed = await deployQuorum({ nodes: 3, clients: 2, persistence: 'none', clocks: false });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  const keys = LEDGERS.flatMap((name) => [`{holdfast}:lock:${name}`, `{holdfast}:fence:${name}`]);
  let over = false;
  const losing = async (): Promise<void> => {
    while (!over) await Promise.all(deployed.nodes.map((node) => command(node, ['DEL', ...keys])));
  };
  try {
    const options = {
      subject: locks,
      number: 1,
      seed: 8,
      duration: 4_000,
      clients: 2,
      workers: 4,
      deployed,
      folder,
    };
    const episode = runEpisode({ ...options, schedule: [] }).finally(() => {
      over = true;
    });
    const [{ violations }] = await Promise.all([episode, losing()]);
    expect(violations).not.toEqual([]);
    expect(readdirSync(folder)).toContain('violations.json');
    expect(readHistories(folder).length).toBeGreaterThan(0);
  } finally {
    await deployed.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a schedule is the same for the same seed, ends in time, and gives no victim two faults at once', () => {
  const stage = {
    duration: 60_000,
    nodes: 5,
    clients: 4,
    watchers: 0,
    kinds: ['kill-node', 'freeze-node', 'rolling-restart', 'freeze-client'],
    mayForget: true,
  } as const;
  for (let seed = 1; seed <= 50; seed += 1) {
    const schedule = drawSchedule(seededRandom(seed), stage);
    expect(schedule).toEqual(drawSchedule(seededRandom(seed), stage));
    for (const [index, { from, until, fault }] of schedule.entries()) {
      expect(until).toBeLessThanOrEqual(stage.duration);
      const beside = schedule.filter((other, at) => at !== index && other.from < until && from < other.until);
      if (fault.kind === 'rolling-restart') {
        expect(beside.filter((other) => 'node' in other.fault)).toEqual([]);
      }
      if ('node' in fault) {
        expect(beside.filter((other) => 'node' in other.fault && other.fault.node === fault.node)).toEqual(
          [],
        );
      }
    }
  }
});

const write = (id: string, token: number, type: 'ok' | 'unknown' | 'refused'): HistoryEvent[] => [
  {
    at: 1,
    process: 'c',
    id,
    type: 'invoke',
    operation: { f: 'write', lease: 'l', resource: 'r', token },
  },
  type === 'ok'
    ? { at: 2, process: 'c', id, type, result: { token } }
    : { at: 2, process: 'c', id, type, error: 'no' },
];

it.each([
  { what: 'nothing', links: ['a 1 -', 'b 2 a'], last: 'ok', found: [] },
  { what: 'an unknown write that happened', links: ['a 1 -', 'b 2 a'], last: 'unknown', found: [] },
  { what: 'an unknown write that did not', links: ['a 1 -'], last: 'unknown', found: [] },
  { what: 'a lost write', links: ['a 1 -'], last: 'ok', found: [/acknowledged write b is missing/] },
  {
    what: 'a refused write that happened',
    links: ['a 1 -', 'b 2 a'],
    last: 'refused',
    found: [/was refused/],
  },
  { what: 'a write twice', links: ['a 1 -', 'a 1 a', 'b 2 a'], last: 'ok', found: [/stands at 1 already/] },
  { what: 'a stale read', links: ['a 1 -', 'b 2 -'], last: 'ok', found: [/upon -, not upon a/] },
  { what: 'a lower token', links: ['b 2 -', 'a 1 b'], last: 'ok', found: [/below 2/] },
] as const)('the ledger shows $what', ({ links, last, found }) => {
  const events = [...write('a', 1, 'ok'), ...write('b', 2, last)];
  const violations = judgeChain({ resource: 'r', links }, events);
  expect(violations.map(({ message }) => message)).toEqual(found.map((text) => expect.stringMatching(text)));
});
