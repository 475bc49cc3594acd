/** What every command of the model is: how many arguments it takes, and what it does to the keys. */
import type { Keyspace } from './keyspace.js';
import type { Reply } from './reply.js';

export interface Command {
  /** Fewest arguments. */
  readonly least: number;
  readonly most?: number;
  run(keys: Keyspace, args: readonly string[]): Reply;
}
