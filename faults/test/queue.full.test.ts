/** One short episode of the queue with a kill, a pause and a cut ends without a violation. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import { LEASE } from '../src/queue/assignment.js';
import { queueSubject } from '../src/queue/subject.js';

it('an episode with a kill, a pause and a cut has deliveries and no violation', async () => {
  const deployed = await deployQuorum({ nodes: 1, clients: 3, clocks: false, persistence: 'synchronous' });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  try {
    const outcome = await runEpisode({
      ...{
        subject: queueSubject,
        number: 1,
        seed: 7,
        duration: 6_000,
        clients: 3,
        workers: 4,
        deployed,
        folder,
      },
      schedule: [
        { from: 500, until: 1_000, fault: { kind: 'kill-node', node: 0, empty: false } },
        { from: 800, until: 800 + 2 * LEASE, fault: { kind: 'freeze-client', client: 1 } },
        { from: 1_500, until: 3_000, fault: { kind: 'link', how: 'dropped', client: 0, node: 0 } },
        { from: 2_000, until: 2_200, fault: { kind: 'kill-client', client: 2 } },
        { from: 3_500, until: 3_600, fault: { kind: 'link', how: 'cut', client: 0, node: 0 } },
      ],
    });
    expect(outcome.violations).toEqual([]);
    const added = outcome.counts.get('tasks added') ?? 0;
    expect(added).toBeGreaterThan(20);
    expect(outcome.counts.get('deliveries')).toBeGreaterThanOrEqual(added);
    expect(outcome.counts.get('tasks lost')).toBe(0);
    expect([...outcome.injected.values()].reduce((sum, one) => sum + one, 0)).toBe(5);
  } finally {
    await deployed.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
