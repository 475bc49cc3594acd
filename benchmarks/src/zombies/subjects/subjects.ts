/** All that is compared, in the order of the rows. */
import { bullmq } from './bullmq.js';
import { dbos } from './dbos.js';
import { holdfast, unguarded } from './holdfast.js';
import { langgraph } from './langgraph.js';
import type { Subject } from './subject.js';

export const subjects: readonly Subject[] = [holdfast, unguarded, bullmq, dbos, langgraph];

/** The one that is held to its promises. */
export const own = holdfast;
