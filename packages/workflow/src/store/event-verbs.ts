/**
 * The verbs of events.
 */
import type { Reply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import type { OpenedReader, WorkflowDemand } from './event-store.js';
import { makersFor } from './verb-makers.js';

export function ofEvents(keys: PartitionKeys) {
  const { single } = makersFor(keys);
  return {
    place: single<string, { id: string; isKept: boolean }>('place', { args: (id) => [id] }, ([word, id]) => ({
      id: String(id),
      isKept: word === 'kept',
    })),
    demand: single<readonly string[], readonly WorkflowDemand[]>(
      'demand',
      { args: (workflows) => workflows },
      ([, ...each]) => each.map(readDemand),
    ),
    /** `place`: '' to open it. */
    reader: single<{ name: string; token: string; place: string }, OpenedReader>(
      'reader',
      { args: ({ name, token, place }) => [name, token, place] },
      readReader,
    ),
  };
}

function readReader([word, number, place]: readonly Reply[]): OpenedReader {
  if (word === 'reader') return { word, token: Number(number), place: String(place) };
  return word === 'early' ? { word, wait: Number(number) } : { word: 'stale' };
}

function readDemand(text: Reply): WorkflowDemand {
  const numbers = String(text).split(' ').map(Number);
  const [waiting = 0, running = 0, stuck = 0, oldest = 0, takeovers = 0, unserved = 0, paused] = numbers;
  return { waiting, running, stuck, oldest, takeovers, unserved, paused: paused === 1 };
}
