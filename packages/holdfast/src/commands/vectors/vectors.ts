/**
 * `holdfast vectors`: looks at indexes of vectors and operates them, without the program that has their models.
 *
 * Guarantees: `ls`, `stats`, `search`, `export` and `check` change nothing, but that they forget deletions that are over, as every
 * process does that reads an index. Nothing is made of an index that does not exist. What changes the generations works under a lease.
 */
import type { CommandGroup } from '../../command.js';
import { exportDocuments } from './export.js';
import { cut, generations, rebuild, retire, rollback } from './generations.js';
import { importDocuments } from './import.js';
import { check, ls, stats } from './look.js';
import { search } from './search.js';

const GENERATIONS = [generations, rebuild, cut, rollback, retire];

export const vectors: CommandGroup = {
  name: 'vectors',
  summary: 'Look at indexes of vectors, and operate them.',
  about: `The Redis of the indexes is given with --redis or REDIS_URL. What it says of an
index is enough. Needs the package @holdfast/vectors.`,
  actions: [ls, stats, search, importDocuments, exportDocuments, check, ...GENERATIONS],
};
