/**
 * `holdfast features`: looks at a feature store and operates it, without the program that has its definitions.
 *
 * Guarantees: `ls`, `show`, `get`, `lanes`, `generations`, `health`, `dead-letters`, `metrics`, `profile`, `drift`, `train` and `audit`
 * change nothing in a store, and nothing is made of a store that does not exist. Whatever writes what is served takes a lease
 * first, and works under its token; `baseline` writes nothing that is served.
 */
import type { CommandGroup } from '../../command.js';
import { apply } from './apply.js';
import { deadLetters } from './dead-letters.js';
import { baseline, drift, profile } from './drift.js';
import { erase, restore } from './erase.js';
import { compact, exportRows } from './export.js';
import { abandon, begin, cut, generations, retire, rollback, sweep } from './generations.js';
import { get } from './get.js';
import { importRows } from './import.js';
import { health, lanes, ls, metrics, show } from './look.js';
import { audit, train } from './train.js';

export const features: CommandGroup = {
  name: 'features',
  summary: 'Look at a feature store, and operate it.',
  about: `The Redis of the store is given with --redis or REDIS_URL, and its name with
--store. What the catalog has registered is enough; --app names the module of
a program with definitions of its own. Needs the package @holdfast/features.`,
  actions: [
    ls,
    metrics,
    show,
    get,
    lanes,
    generations,
    health,
    deadLetters,
    apply,
    importRows,
    exportRows,
    compact,
    begin,
    cut,
    rollback,
    retire,
    abandon,
    sweep,
    erase,
    restore,
    train,
    audit,
    profile,
    drift,
    baseline,
  ],
};
