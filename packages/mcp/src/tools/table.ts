/** All tools, by what they are about. */
import type { Tool } from '../tool.js';
import * as locks from './locks.js';
import * as queues from './queues.js';
import * as reading from './reading.js';
import * as workflows from './workflows.js';

export const TOOLS: readonly Tool[] = [reading, locks, queues, workflows].flatMap((module) =>
  Object.values<Tool>(module),
);
