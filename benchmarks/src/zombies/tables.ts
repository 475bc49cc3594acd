/** The report of the zombies: how many schedules of each engine showed what, over all rounds. */
import type { Report } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';
import type { Counts } from './schedules.js';
import { MOMENT, STEPS } from './subjects/subject.js';
import { own, subjects } from './subjects/subjects.js';

type Call = Pick<Report, 'environment' | 'command'>;

const sum = (counts: readonly Counts[], of: keyof Counts): number =>
  counts.reduce((total, round) => total + round[of], 0);

export function reportZombies(
  results: ReadonlyMap<string, readonly Counts[]>,
  { environment, command }: Call,
): Report {
  const ours = results.get(own.name) ?? [];
  const rounds = (of: keyof Counts) => spread(ours.map((round) => round[of]));
  return {
    title: 'Zombies',
    command,
    environment,
    targets: [
      never(`stale guarded writes of ${own.name} in a round`, rounds('staleWrites')),
      never(`stale commits of ${own.name} in a round`, rounds('staleCommits')),
    ],
    tables: [
      {
        title: 'What a frozen worker still does',
        about: `A worker begins a run of ${STEPS} steps, each of which waits ${MOMENT} ms, adds the worker's name to a list in Redis, and waits ${MOMENT} ms. It is frozen at a random moment; another worker takes the run over and ends it; the first is thawed. Blocked: the second could do nothing for 10 s, because the frozen one had locks in a database. A stale write is one of the first worker behind one of the second. A stale commit is a change in what the engine keeps of the run, after the run was over. Fewer is better.`,
        columns: [
          'engine',
          'schedules',
          'taken over',
          'blocked',
          'with a stale write',
          'with a stale commit',
        ],
        rows: subjects.map(({ name }) => {
          const counts = results.get(name) ?? [];
          const shown = (['schedules', 'takenOver', 'blocked', 'staleWrites', 'staleCommits'] as const).map(
            (of) => String(sum(counts, of)),
          );
          return [name, ...shown];
        }),
      },
      {
        title: 'How the second worker takes over',
        about: 'As the documentation of each engine says.',
        columns: ['engine', 'takes over'],
        rows: subjects.map(({ name, takesOver }) => [name, takesOver]),
      },
    ],
    remarks: [
      'The peers have no token that a store could compare, so their writes are not checked. Those of Holdfast go through the Redis guard; "no guard" is the same program with the plain write of the peers.',
    ],
    data: results,
  };
}
