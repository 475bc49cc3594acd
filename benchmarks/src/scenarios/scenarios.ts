/** The scenarios by their names on the command line. */
import { answers } from './answers.js';
import { articles } from './articles.js';
import { bytes } from './bytes.js';
import { events } from './events.js';
import { many } from './many.js';
import { resume } from './resume.js';
import type { Scenario } from './scenario.js';
import { sensors } from './sensors.js';
import { surge } from './surge.js';
import { takeover } from './takeover.js';
import { tokens } from './tokens.js';
import { wake } from './wake.js';

export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  Object.entries({ resume, wake, takeover, bytes, many, tokens, answers, events, sensors, surge, articles }),
);
