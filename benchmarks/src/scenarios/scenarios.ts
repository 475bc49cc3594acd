/** The scenarios by their names on the command line. */
import { resume } from './resume.js';
import type { Scenario } from './scenario.js';
import { takeover } from './takeover.js';
import { wake } from './wake.js';

export const scenarios: ReadonlyMap<string, Scenario> = new Map(Object.entries({ resume, wake, takeover }));
