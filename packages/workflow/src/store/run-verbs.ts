/**
 * The verbs of operators.
 */
import type { Reply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import type { RunRef } from './claim.js';
import {
  type Listed,
  type ListRequest,
  type Purged,
  RUN_STATES,
  type RunCounts,
  type RunState,
  type Terminated,
  type TerminateRequest,
  type ToArchive,
} from './run-store.js';
import { makersFor } from './verb-makers.js';

export function ofOperators(keys: PartitionKeys) {
  const { single } = makersFor(keys);
  const both = (of: RunRef): readonly string[] => [keys.journal(of), keys.state(of.run)];
  return {
    list: single<ListRequest, Listed>('list', { args: argsOfList }, readListed),
    count: single<readonly string[], readonly RunCounts[]>(
      'count',
      { args: (workflows) => workflows },
      ([, ...each]) => each.map(readCounts),
    ),
    terminate: single<TerminateRequest, Terminated>(
      'terminate',
      {
        keys: both,
        args: ({ run, generation, last, retain, cancel }) => [
          ...[run, generation, ...last, String(retain), cancel],
        ],
      },
      ([word, detail]) => {
        if (word === 'early') return { word, wait: Number(detail) };
        return word === 'gen' ? { word, generation: String(detail) } : ({ word } as Terminated);
      },
    ),
    archive: single<number, readonly ToArchive[]>(
      'archive',
      { args: (most) => [String(most)] },
      readToArchive,
    ),
    purge: single<RunRef & { token?: number }, Purged>(
      'purge',
      { keys: both, args: ({ run, generation, token }) => [run, generation, String(token ?? '')] },
      ([word, generation]) =>
        word === 'gen' ? { word, generation: String(generation) } : ({ word } as Purged),
    ),
  };
}

function readToArchive([, token, ...fields]: readonly Reply[]): readonly ToArchive[] {
  return Array.from({ length: fields.length / 2 }, (_, index) => ({
    run: String(fields[2 * index]),
    generation: String(fields[2 * index + 1]),
    token: Number(token) + index,
  }));
}

const STATES: Readonly<Record<string, RunState>> = {
  r: 'waiting',
  l: 'waiting',
  d: 'delayed',
  o: 'running',
  p: 'sleeping',
  s: 'stuck',
};

const EVER = { earliest: 0, latest: Number.MAX_SAFE_INTEGER };

function argsOfList({
  workflow,
  isOver,
  from,
  most = 0,
  state,
  since = EVER,
}: ListRequest): readonly string[] {
  const words = Object.keys(STATES).filter((word) => STATES[word] === state);
  const wanted = words.length > 0 ? words : [state ?? ''];
  return [
    ...[workflow, isOver ? 'over' : 'live', from, String(most)],
    state === undefined ? '' : `,${wanted.join()},`,
    ...[since.earliest, Math.min(since.latest, EVER.latest)].map(String),
  ];
}

function readListed([, next, ...fields]: readonly Reply[]): Listed {
  const runs = Array.from({ length: fields.length / 3 }, (_, index) => {
    const [run, word, since] = fields.slice(3 * index, 3 * index + 3).map(String);
    return { run: run ?? '', state: STATES[word ?? ''] ?? (word as RunState), since: Number(since) };
  });
  return { next: String(next), runs };
}

function readCounts(text: Reply): RunCounts {
  const counts = String(text).split(' ').map(Number);
  return Object.fromEntries(RUN_STATES.map((state, index) => [state, counts[index] ?? 0])) as RunCounts;
}
