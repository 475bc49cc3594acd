/**
 * The shipped code in the simulator: some runs of every kind, and that a run can be repeated and made smaller.
 * `npm run test:full` makes more of them; the rest is the soak's: `npm run simulate -- --runs 500000`.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CANARIES, scenarioOfCanary } from '../src/canaries/catalogue.js';
import { loadSubject } from '../src/canaries/mutant.js';
import { FEATURES, LOCKS, QUEUE, scenarioOf, VECTORS, WORKFLOW } from '../src/run/scenario.js';
import { shrink } from '../src/run/shrink.js';
import { replay } from '../src/run/timeline.js';

/** Other runs in each check: which they were is said when one fails. */
const FIRST_SEED = Math.floor(Math.random() * 1_000_000_000);

const IS_FULL = process.env['HOLDFAST_TESTS'] === 'full';

/** How many: enough to see that the shipped code still runs in the simulator, or enough to find what is rare. */
const RUNS = IS_FULL
  ? { locks: 5_000, queue: 2_000, workflow: 1_000, features: 1_000, vectors: 1_000 }
  : { locks: 12, queue: 4, workflow: 2, features: 3, vectors: 3 };
const SCENARIOS = ['locks', 'features', 'queue', 'workflow', 'vectors'] as const;
/** In ms. */
const PATIENCE = 600_000;

describe('the shipped code', () => {
  it('violates nothing, whatever befalls it', { timeout: PATIENCE }, async () => {
    let grants = 0;
    let writes = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS.locks; seed += 1) {
      const outcome = await LOCKS.run(LOCKS.draw(seed));
      expect(outcome.violations, `npm run simulate -- --seed ${seed}`).toEqual([]);
      grants += outcome.grants;
      writes += outcome.writes;
    }
    // So that it is not by standing still.
    expect(grants).toBeGreaterThan(RUNS.locks * 10);
    expect(writes).toBeGreaterThan(RUNS.locks);
  });

  it('violates nothing in a queue, whatever befalls it', { timeout: PATIENCE }, async () => {
    let deliveries = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS.queue; seed += 1) {
      const outcome = await QUEUE.run(QUEUE.draw(seed));
      expect(outcome.violations, `npm run simulate -- queue --seed ${seed}`).toEqual([]);
      deliveries += outcome.grants;
    }
    expect(deliveries).toBeGreaterThan(RUNS.queue * 10);
  });

  it('violates nothing in workflows, whatever befalls them', { timeout: PATIENCE }, async () => {
    let claims = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS.workflow; seed += 1) {
      const outcome = await WORKFLOW.run(WORKFLOW.draw(seed));
      expect(outcome.violations, `npm run simulate -- workflow --seed ${seed}`).toEqual([]);
      claims += outcome.grants;
    }
    expect(claims).toBeGreaterThan(RUNS.workflow * 10);
  });

  it('violates nothing in a feature store, whatever befalls it', { timeout: PATIENCE }, async () => {
    let accepted = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS.features; seed += 1) {
      const outcome = await FEATURES.run(FEATURES.draw(seed));
      expect(outcome.violations, `npm run simulate -- features --seed ${seed}`).toEqual([]);
      accepted += outcome.grants;
    }
    expect(accepted).toBeGreaterThan(RUNS.features * 10);
  });

  it('violates nothing in an index of vectors, whatever befalls it', { timeout: PATIENCE }, async () => {
    let [writes, reads] = [0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS.vectors; seed += 1) {
      const outcome = await VECTORS.run(VECTORS.draw(seed));
      expect(outcome.violations, `npm run simulate -- vectors --seed ${seed}`).toEqual([]);
      writes += outcome.grants;
      reads += outcome.writes;
    }
    expect(writes).toBeGreaterThan(RUNS.vectors * 7);
    expect(reads).toBeGreaterThan(RUNS.vectors * 20);
  });
});

describe('a run', () => {
  it('is the same to the letter when it is repeated', async () => {
    for (const name of IS_FULL ? SCENARIOS : SCENARIOS.slice(0, 2)) {
      const scenario = scenarioOf(name);
      const timeline = async (seed: number): Promise<string[]> => {
        const lines: string[] = [];
        await replay(scenario, scenario.draw(seed), (line) => lines.push(line));
        return lines;
      };
      const first = await timeline(11);
      expect(first.length).toBeGreaterThan(200);
      expect(await timeline(11)).toEqual(first);
    }
  });

  it('is the same with its timeline and without', async () => {
    const plan = LOCKS.draw(13);
    expect(await replay(LOCKS, plan, () => {})).toEqual(await LOCKS.run(plan));
  });
});

describe('a mistake', () => {
  it.each([
    ...['minority quorum', 'a key that several have'],
    ...(IS_FULL ? ['no fence check', 'release without owner', 'guard check apart from the write'] : []),
    ...(IS_FULL ? ['a session that is over may work', 'entries of removed tasks left'] : []),
    ...(IS_FULL ? ['a commit without its number', 'parked whatever came in'] : []),
    ...(IS_FULL ? ['an older event that wins', 'waiters woken before their write is applied'] : []),
  ])('is caught: %s', { timeout: 120_000 }, async (name) => {
    const subject = await loadSubject(name);
    const scenario = scenarioOf(scenarioOfCanary(name));
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const { violations } = await scenario.run(scenario.draw(seed), { subject });
      if (violations.length > 0) return;
    }
    expect.unreachable(`"${name}" was not caught in 2000 runs`);
  });

  if (IS_FULL)
    it('is shown by a smaller plan', { timeout: 120_000 }, async () => {
      const subject = await loadSubject('release without owner');
      for (let seed = 1; ; seed += 1) {
        const plan = LOCKS.draw(seed);
        const { violations } = await LOCKS.run(plan, { subject });
        const [first] = violations;
        if (first === undefined || plan.faults.length < 4) continue;
        const smaller = await shrink(LOCKS, plan, first.rule, { subject });
        expect(smaller.faults.length).toBeLessThan(plan.faults.length);
        const again = await LOCKS.run(smaller, { subject });
        expect(again.violations.map(({ rule }) => rule)).toContain(first.rule);
        return;
      }
    });

  it('fits the code as it stands', async () => {
    for (const { name, changes } of CANARIES) {
      for (const { file, find } of changes) {
        const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
        expect(text.split(find).length - 1, `"${name}": how often "${find}" stands in ${file}`).toBe(1);
      }
    }
  });

  it('has a name of its own, and one that does not exist is refused', async () => {
    const names = CANARIES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    await expect(loadSubject('no such')).rejects.toThrow('There is no canary "no such"');
  });
});
