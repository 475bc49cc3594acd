/**
 * Reads the histories of one episode: all files of a folder, in the order of their times.
 *
 * A line that was cut short by SIGKILL is left out: its operation stays open. Any other line that cannot be read throws.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEvent } from './event.js';

/** `E`: what the lines are. */
export function readHistories<E extends { readonly at: number } = HistoryEvent>(
  folder: string,
): readonly E[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files
    .flatMap((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n');
      lines.pop(); // empty, or cut short
      return lines.map((line) => JSON.parse(line) as E);
    })
    .sort((a, b) => a.at - b.at);
}
