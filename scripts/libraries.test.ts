/**
 * Every library of Lua is one that a real Redis takes, as functions and, for older servers, as scripts: Lua allows so many
 * variables and no more, and a library that is refused would only be slow.
 */
import { startNodes } from '@holdfast/local';
import type { Script } from '@holdfast/redis';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { scripts as features } from '../packages/features/src/store/scripts.js';
import { scripts as queue } from '../packages/queue/src/scripts.js';
import { scripts as vectors } from '../packages/vectors/src/truth/scripts.js';
import { scripts as workflow } from '../packages/workflow/src/store/scripts.js';

it('each library is taken as functions, and each of its scripts as a script', async () => {
  const nodes = await startNodes(1);
  const redis = new Redis(nodes.nodes[0]?.url as string);
  try {
    for (const scripts of Object.values<readonly Script[]>({ features, queue, vectors, workflow })) {
      const library = scripts[0]?.library;
      expect(await redis.call('FUNCTION', 'LOAD', library?.text as string)).toBe(library?.name);
      for (const { text, digest } of scripts) expect(await redis.script('LOAD', text)).toBe(digest);
    }
  } finally {
    redis.disconnect();
    await nodes.stop();
  }
});
