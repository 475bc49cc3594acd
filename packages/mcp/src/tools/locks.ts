/** Tools for locks. */
import { z } from 'zod';
import { tool } from '../tool.js';

const name = z
  .string()
  .min(1)
  .describe('Of what is locked, such as "file:src/app.ts"; all who change it use the same name.');
const hold = z
  .int()
  .min(1_000)
  .max(3_600_000)
  .default(600_000)
  .describe('For how many ms to keep it at most; lock_renew begins that anew. Default 600000.');

export const inspect = tool({
  name: 'lock_inspect',
  title: 'Look who holds a lock',
  description: 'Tells whether a lock is held, by whom, under which fencing token, and how many wait for it.',
  input: z.strictObject({ name }),
  run: ({ client, input, signal }) => client.locks.inspect(input.name, { signal }),
});

export const list = tool({
  name: 'lock_held',
  title: 'List your locks',
  description: 'Lists the locks that you hold, with their tokens and for how long they are kept.',
  asks: 'lock',
  idempotent: true,
  input: z.strictObject({}),
  run: async ({ locks }) => ({ locks: locks.list() }),
});

export const acquire = tool({
  name: 'lock_acquire',
  title: 'Take a lock',
  description:
    'Takes the lock of a name, so that no other agent or program has it. Answers a fencing token: pass it to whatever you write to, so that it can refuse writes under an older one. Status 409 says that somebody else holds it: wait, or work on something else. Give it back with lock_release.',
  asks: 'lock',
  input: z.strictObject({
    name,
    hold,
    wait: z.int().min(0).max(50_000).default(0).describe('How many ms to wait for it. Default 0.'),
  }),
  run: ({ locks, input, signal }) =>
    locks.acquire(input.name, { wait: input.wait, hold: input.hold, signal }),
});

export const renew = tool({
  name: 'lock_renew',
  title: 'Keep a lock for longer',
  description:
    'Keeps a lock that you hold for `hold` ms from now, and tells whether you still hold it: call it before a write that matters.',
  asks: 'lock',
  idempotent: true,
  input: z.strictObject({ name, hold }),
  run: async ({ locks, input }) => locks.renew(input.name, input.hold),
});

export const release = tool({
  name: 'lock_release',
  title: 'Give a lock back',
  description: 'Gives a lock back. An error says that it was lost before.',
  asks: 'lock',
  idempotent: false,
  input: z.strictObject({ name }),
  run: ({ locks, input }) => locks.release(input.name),
});
