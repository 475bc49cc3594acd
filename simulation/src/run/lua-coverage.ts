/**
 * The lines and branches of the shipped Lua that simulated runs reach: `npm run simulate -- coverage`.
 */

import { coverageReport, switchOnCoverage } from '../lua/coverage.js';
import { LOCKS } from './scenario.js';

export async function reportLuaCoverage(runs: number, firstSeed: number): Promise<string> {
  switchOnCoverage();
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) await LOCKS.run(LOCKS.draw(seed));
  const files = coverageReport();
  const total = (kind: 'lines' | 'branches'): string => {
    const [hit, all] = (['hit', 'all'] as const).map((part) =>
      files.reduce((sum, file) => sum + file[kind][part], 0),
    );
    return describe(hit ?? 0, all ?? 0);
  };
  const rows = files.map(
    ({ file, lines, branches, missing }) =>
      `| ${file} | ${describe(lines.hit, lines.all)} | ${describe(branches.hit, branches.all)} | ${missing.join('; ')} |`,
  );
  return [
    '| file | lines | branches | not reached |',
    '| --- | --- | --- | --- |',
    ...rows,
    `| **total** | ${total('lines')} | ${total('branches')} | |`,
  ].join('\n');
}

const describe = (hit: number, all: number): string =>
  all === 0 ? '–' : `${hit} of ${all} (${((100 * hit) / all).toFixed(1)} %)`;
