/** One short episode of workflows with kills, a pause and a cut ends without a violation; and the judge does find violations. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalRecord } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import { effectOf, LEASE, type WorkflowRecord } from '../src/workflow/assignment.js';
import { judgeWorkflows } from '../src/workflow/judge.js';
import type { KeptRun } from '../src/workflow/kept.js';
import { type Part, programOf } from '../src/workflow/program.js';
import { workflowSubject } from '../src/workflow/subject.js';

/** `npm run test:full` has it only, as it takes ten seconds of the processor's time. */
if (process.env['HOLDFAST_TESTS'] === 'full') {
  it('an episode with kills, a pause and a cut has runs and no violation', async () => {
    const deployed = await deployQuorum({ nodes: 1, clients: 3, clocks: false, persistence: 'synchronous' });
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
    try {
      const outcome = await runEpisode({
        ...{ subject: workflowSubject, number: 1, seed: 7, duration: 5_500 },
        ...{ clients: 3, workers: 4, deployed, folder },
        schedule: [
          { from: 500, until: 1_000, fault: { kind: 'kill-node', node: 0, empty: false } },
          { from: 1_200, until: 1_200 + 2 * LEASE, fault: { kind: 'freeze-client', client: 1 } },
          { from: 1_500, until: 2_500, fault: { kind: 'link', how: 'dropped', client: 0, node: 0 } },
          { from: 2_000, until: 2_200, fault: { kind: 'kill-client', client: 2 } },
          { from: 3_000, until: 3_200, fault: { kind: 'kill-ledger' } },
        ],
      });
      expect(outcome.violations).toEqual([]);
      const { counts } = outcome;
      expect(counts.get('runs started')).toBeGreaterThan(5);
      expect(counts.get('runs completed')).toBeGreaterThan(5);
      expect(counts.get('guarded writes ok')).toBeGreaterThan(5);
      expect(counts.get('starts lost')).toBe(0);
      expect([...outcome.injected.values()].reduce((sum, one) => sum + one, 0)).toBe(5);
    } finally {
      await deployed.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

const isOneStep = (part: Part | undefined): boolean =>
  part?.f === 'step' && part.body.does === 'effect' && part.body.chunks === 1;

/** The id of a run of one step, which has an effect and writes one chunk; and of one that begins a body once. */
const RUN = idOf(({ parts, fails }) => parts.length === 1 && isOneStep(parts[0]) && !fails);
const ONCE = idOf(
  ({ parts, fails }) => parts.length === 1 && parts[0]?.f === 'once' && parts[0].body.chunks === 0 && !fails,
);

function idOf(isIt: (program: ReturnType<typeof programOf>) => boolean): string {
  for (let n = 1; ; n += 1) if (isIt(programOf(`e1.c-${n}`))) return `e1.c-${n}`;
}

/** A run that was started, and whose body ran once. */
const recordsOf = (run: string): readonly WorkflowRecord[] => [
  { at: 1, process: 'p', e: 'started', run },
  { at: 2, process: 'p', e: 'begins', run, step: '0', token: 10, valid: true },
  { at: 8, process: 'p', e: 'ends', run, step: '0', token: 10, valid: true, done: true },
];

function journalOf(run: string, value = 10): readonly JournalRecord[] {
  const input = JSON.parse(JSON.stringify(programOf(run)));
  return [
    { kind: 'header', workflow: 'tree', input, generation: 'g' },
    { kind: 'done', id: 's', name: '0', value: 10, token: 10, attempt: 1, span: [1, 2] },
    { kind: 'end', outcome: { status: 'completed', value: [value] }, token: 10 },
  ];
}

const CHUNKS: KeptRun['chunks'] = [['s', '10 0']];

interface Told {
  readonly journal?: readonly JournalRecord[];
  readonly told?: KeptRun['told'];
  readonly effects?: number;
  readonly chunks?: KeptRun['chunks'];
  readonly keeps?: boolean;
}

function rulesFor(run: string, records: readonly WorkflowRecord[], given: Told = {}): string[] {
  const { journal = journalOf(run), effects = 1, keeps = true } = given;
  const end = journal.at(-1);
  const { told = end?.kind === 'end' ? end.outcome : undefined } = given;
  const { chunks = run === RUN ? CHUNKS : [] } = given;
  const kept = { id: run, workflow: 'tree', journal, chunks, told };
  const { violations } = judgeWorkflows(
    records,
    {
      runs: new Map(journal.length > 0 ? [[run, kept]] : []),
      effects: new Map([[effectOf(run, '0'), effects]]),
    },
    { keeps, exclusive: keeps, ordered: true },
  );
  return violations.map(({ rule }) => rule);
}

it('the judge finds nothing wrong where nothing is, and each promise that is broken', () => {
  const records = recordsOf(RUN);
  expect(rulesFor(RUN, records)).toEqual([]);
  expect(rulesFor(RUN, records, { journal: [] })).toEqual(['lost run']);
  expect(rulesFor(RUN, records, { journal: [], keeps: false })).toEqual([]);
  expect(rulesFor(RUN, records, { effects: 2 })).toEqual(['effects']);
  expect(rulesFor(RUN, records, { effects: 0 })).toEqual(['effects']);
  expect(rulesFor(RUN, records, { told: { status: 'cancelled', reason: 'no' } })).toEqual(['result']);
  expect(rulesFor(RUN, records, { journal: journalOf(RUN, 11) })).toEqual(['result']);
  expect(rulesFor(RUN, records, { journal: journalOf(RUN).slice(0, 2) })).toEqual(['end']);
  expect(
    rulesFor(RUN, records, { journal: journalOf(RUN).toSpliced(1, 0, ...journalOf(RUN).slice(1, 2)) }),
  ).toEqual(['done again', 'token order']);
  expect(rulesFor(RUN, records.slice(0, 2))).toEqual(['stale result']);
  const again: WorkflowRecord = { ...BEGINS, run: RUN, at: 9, process: 'q', token: 11 };
  expect(rulesFor(RUN, [...records, again])).toEqual(['stale result']);
  const beside: WorkflowRecord = { ...BEGINS, run: RUN, at: 4, process: 'q', token: 9 };
  expect(rulesFor(RUN, [...records, beside])).toEqual(['token order', 'mutual exclusion']);
  expect(rulesFor(RUN, [...records, { at: 9, process: 'p', e: 'terminated', run: RUN }])).toEqual([
    'terminated',
  ]);
  const lost: WorkflowRecord = {
    ...{ at: 9, process: 'p', e: 'told', run: RUN },
    outcome: { status: 'completed', value: [9] },
  };
  expect(rulesFor(RUN, [...records, lost])).toEqual(['told']);
  expect(
    rulesFor(RUN, [...records, { at: 9, process: 'p', e: 'stuck', run: RUN, reason: 'it is lost' }]),
  ).toEqual(['stuck']);
});

it('the judge finds chunks that are missing, and what a reader should not be given', () => {
  const records = recordsOf(RUN);
  const read = (...chunks: string[]): WorkflowRecord[] =>
    chunks.map((chunk, n) => ({ at: 10 + n, process: 'p', e: 'read', run: RUN, step: 's', chunk }));
  const all: WorkflowRecord = { at: 20, process: 'p', e: 'read all', run: RUN };
  const anew: WorkflowRecord = { at: 9, process: 'p', e: 'read', run: RUN };
  expect(rulesFor(RUN, records, { chunks: [] })).toEqual(['stream']);
  expect(rulesFor(RUN, [...records, ...read('10 0'), all])).toEqual([]);
  expect(rulesFor(RUN, [...records, ...read('9 0'), anew, ...read('10 0'), all])).toEqual([]);
  expect(rulesFor(RUN, [...records, ...read('9 0', '10 0')])).toEqual(['reader']);
  expect(rulesFor(RUN, [...records, ...read('10 1')])).toEqual(['reader']);
  expect(rulesFor(RUN, [...records, all])).toEqual(['reader']);
});

const BEGINS = { e: 'begins', step: '0', valid: true } as const;

it('the judge counts the bodies of once', () => {
  const earlier: WorkflowRecord = { ...BEGINS, run: ONCE, at: 0, process: 'q', token: 5 };
  const records = [earlier, ...recordsOf(ONCE)];
  expect(rulesFor(ONCE, recordsOf(ONCE))).toEqual([]);
  expect(rulesFor(ONCE, records)).toEqual(['once']);
  expect(rulesFor(ONCE, records, { keeps: false })).toEqual([]);
});
