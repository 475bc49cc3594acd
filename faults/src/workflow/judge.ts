/**
 * Whether what the processes of an episode have recorded, and what the app has in the end, keep the promises of workflows.
 * Pure. The guarded writes are judged by the ledger (validation/ledger.ts).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from '@holdfast/workflow';
import { group } from '../check/group.js';
import type { Violation } from '../check/index.js';
import { increase, type Judged } from '../subject.js';
import type { WorkflowRecord } from './assignment.js';
import { judgeAttempts } from './attempts.js';
import { isTerminated, judgeJournal } from './journals.js';
import type { Finding, Kept, Promised } from './kept.js';
import { judgeReader } from './readers.js';

export function judgeWorkflows(
  records: readonly WorkflowRecord[],
  { runs, effects }: Kept,
  promised: Promised,
): Judged {
  const violations: Violation[] = [];
  const counts = new Map<string, number>(COUNTED.map((name) => [name, 0]));
  const found: Finding = {
    violate: (rule, message) => void violations.push({ rule, message, events: [] }),
    count: (name) => increase(counts, name, 1),
  };
  const { violate, count } = found;
  const of = group(records, ({ run }) => run);

  for (const { run } of records.filter(({ e }) => e === 'started')) {
    count('runs started');
    if (runs.has(run)) continue;
    count('starts lost');
    if (promised.keeps) violate('lost run', `${run} was acknowledged, and nothing is known of it`);
  }
  for (const [id, about] of of) judgeReader(about, { run: runs.get(id), promised }, found);
  for (const run of runs.values()) {
    const about = of.get(run.id) ?? [];
    const isCancelled = about.some(({ e }) => e === 'cancels');
    judgeJournal(run, { runs, effects, isCancelled }, found);
    for (const record of about) {
      if (record.e !== 'told' || isDeepStrictEqual(record.outcome, run.told)) continue;
      count('ends lost');
      if (promised.keeps)
        violate('told', `${run.id} was said to have ${say(record.outcome)}, and has ${say(run.told)}`);
    }
  }
  for (const record of records) {
    if (record.e === 'told') count('ends told');
    if (record.e === 'terminated') judgeTermination(record.run, { runs, promised }, found);
    if (record.e !== 'stuck') continue;
    count('runs stuck');
    if (!FALLEN.test(record.reason)) violate('stuck', `${record.run} is stuck: ${record.reason}`);
  }
  judgeAttempts({ records: of, runs, promised }, found);
  return { violations, counts };
}

/** Where nothing is forgotten, whoever was told that a run is terminated has ended it. */
function judgeTermination(
  run: string,
  { runs, promised }: Pick<Kept, 'runs'> & { readonly promised: Promised },
  { violate, count }: Finding,
): void {
  count('runs terminated');
  const end = runs.get(run)?.journal.at(-1);
  if (promised.exclusive && !(end?.kind === 'end' && isTerminated(end.outcome)))
    violate('terminated', `${run} was said to be terminated, but has ${say(runs.get(run)?.told)}`);
}

/** The reason for which a run may be stuck: it has lost its worker too often, without a step in between. */
const FALLEN = /lost its worker/;

/** Said even if there are none. */
const COUNTED = [
  'runs started',
  'steps done',
  'stale bodies',
  'starts lost',
  'ends lost',
  'bodies of once again',
];

const say = (outcome: Outcome | undefined): string =>
  outcome ? JSON.stringify(outcome).slice(0, 200) : 'no end';
