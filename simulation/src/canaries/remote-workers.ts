/** Mistakes in what programs are told that work on tasks without a connection to Redis, and in how they end them. */
import type { Canary } from './canary.js';

const LUA = 'packages/queue/lua';
const SRC = 'packages/queue/src';

export const REMOTE_WORKER_CANARIES: readonly Canary[] = [
  {
    name: 'who has lost a delivery ends it',
    about: 'A remote program ends a delivery that its session has no more, although another has it by now.',
    focus: 'late ends',
    changes: [
      {
        file: `${LUA}/finish.lua`,
        find: "if not is_pending(ARGV[2], ARGV[3], session) then return {'gone'} end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'a claim that is repeated has no new token',
    about:
      'A remote program that asks again, because an answer was lost, is told of its tasks without a token.',
    changes: [
      {
        file: `${LUA}/fetch.lua`,
        find: "if got > 0 and ARGV[4] == '1' then",
        replace: "if got > 0 and ARGV[4] == '1' and not is_known then",
      },
    ],
  },
  {
    name: 'the lease of a remote program from the answer',
    about: 'It counts from when the answer came, not from when the call was sent.',
    focus: 'slow answers',
    changes: [
      {
        file: `${SRC}/remote.ts`,
        find: 'return { deliveries, since };',
        replace: 'return { deliveries, since: port.clock.now() };',
      },
      {
        file: `${SRC}/remote.ts`,
        find: 'return { since, cancelled: mark?.reason };',
        replace: 'return { since: port.clock.now(), cancelled: mark?.reason };',
      },
    ],
  },
];
