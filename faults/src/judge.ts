/**
 * `npm run faults -- check`: judges kept histories again, without their ledgers, which ended with their episodes.
 *
 * A folder that is not there, or below which there is no history, is a wrong call: nothing would have been judged.
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MisuseError } from '@holdfast/kernel';
import { checkHistory } from './check/index.js';
import { readHistories } from './history/read.js';
import { SEMAPHORES } from './traffic/assignment.js';

/** Says what it found. Returns whether nothing was violated. Throws MisuseError. */
export function judgeKept(folders: readonly string[], say: (line: string) => void): boolean {
  const total = { histories: 0, operations: 0, violations: 0 };
  for (const folder of new Set(folders.flatMap(withHistories))) {
    const events = readHistories(folder);
    const violations = checkHistory(events, { permits: SEMAPHORES });
    total.histories += 1;
    total.operations += events.filter(({ type }) => type === 'invoke').length;
    total.violations += violations.length;
    for (const { rule, message } of violations) say(`VIOLATION of ${rule} in ${folder}: ${message}`);
  }
  say(`${total.histories} histories, ${total.operations} operations, ${total.violations} violations`);
  return total.violations === 0;
}

function withHistories(folder: string): readonly string[] {
  const files = filesBelow(folder).filter((path) => path.endsWith('.jsonl'));
  if (files.length === 0) throw new MisuseError(`"${folder}" holds no history; name a folder that was kept.`);
  return [...new Set(files.map((path) => dirname(join(folder, path))))].sort();
}

function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch (cause) {
    throw new MisuseError(`"${folder}" cannot be read; name a folder that was kept.`, { cause });
  }
}
