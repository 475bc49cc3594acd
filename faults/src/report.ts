/**
 * The report of a run: the injected faults, the totals of the traffic, the machine and the versions.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { findServer } from '@holdfast/local';
import type { Call } from './options.js';
import type { Totals } from './totals.js';

export interface Report {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly minutes: number;
  readonly episodes: number;
  readonly violations: number;
  readonly broken: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
}

export async function describe(call: Call, totals: Totals, minutes: number): Promise<Report> {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const server = /v=(\S+)/.exec(execFileSync(findServer(), ['--version'], { encoding: 'utf8' }))?.[1];
  return {
    command: `npm run faults -- ${call.subject === 'locks' ? '' : `${call.subject} `}--minutes ${call.minutes} --topology ${call.topology} --seed ${call.seed}`,
    environment: {
      holdfast: manifest.version,
      redis: server ?? 'unknown',
      node: process.version,
      cores: `${cpus().length} × ${cpus()[0]?.model}`,
    },
    minutes: Math.round(minutes * 10) / 10,
    episodes: totals.episodes,
    violations: totals.violations,
    broken: totals.broken,
    faults: sorted(totals.injected),
    counts: sorted(totals.counts),
  };
}

export function toMarkdown(report: Report): string {
  const facts = {
    ...report.environment,
    minutes: report.minutes,
    episodes: report.episodes,
    violations: report.violations,
    'not carried out': report.broken,
  };
  return [
    '# Faults',
    `\`${report.command}\``,
    table(['', ''], facts),
    table(['fault', 'injected'], report.faults),
    table(['event', 'times'], report.counts),
    '',
  ].join('\n\n');
}

function table(head: readonly [string, string], rows: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`);
  return [`| ${head.join(' | ')} |`, '| --- | --- |', ...lines].join('\n');
}

const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
