/**
 * The report of a benchmark as a value: tables, remarks and raw numbers; and its forms as Markdown and JSON.
 *
 * Guarantees: both forms come from the same value and name the machine and the versions that were measured. A number
 * that was not measured is printed as a dash. Writing a file that cannot be written rejects, after the measuring; the
 * tables have been printed by then.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Spread } from './statistics.js';

export interface Table {
  readonly title: string;
  /** How the numbers came about and which way is better. */
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A promise about a number, and the number. */
export interface Target {
  readonly name: string;
  readonly wanted: string;
  readonly measured: Spread;
  readonly met: boolean;
}

export interface Report {
  readonly title: string;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly targets: readonly Target[];
  readonly tables: readonly Table[];
  /** The facts that a reader must know to judge the numbers. */
  readonly remarks: readonly string[];
  /** Every round's numbers, for machines; maps are written as objects. */
  readonly data: unknown;
}

export function describeMachine(): Record<string, string> {
  const [processor] = cpus();
  return {
    date: new Date().toISOString(),
    processor: `${processor?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    'load before': loadavg()
      .map((load) => load.toFixed(1))
      .join(' '),
    node: process.version,
  };
}

/** `value` with at least `digits` significant digits, or a dash when it was not measured. */
export function number(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 10 ** (digits - 1)) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(digits);
}

export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '–';
}

/** "1.04 (0.98–1.11)" */
export function ratioSpread({ median, min, max }: Spread): string {
  return Number.isFinite(median) ? `${ratio(median)} (${ratio(min)}–${ratio(max)})` : '–';
}

/** "17.0 (16.8–17.3)" */
export function numberSpread({ median, min, max }: Spread, digits = 3): string {
  const [middle, least, greatest] = [median, min, max].map((value) => number(value, digits));
  return [median, min, max].every(Number.isFinite) ? `${middle} (${least}–${greatest})` : `${middle}`;
}

export function toMarkdown(report: Report): string {
  const parts = [
    `# ${report.title}`,
    `Written by \`${report.command}\`.`,
    Object.entries(report.environment)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    table(
      ['target', 'wanted', 'measured (min–max of the rounds)', 'met'],
      report.targets.map(({ name, wanted, measured, met }) => [
        name,
        wanted,
        ratioSpread(measured),
        met ? 'yes' : '**no**',
      ]),
    ),
    ...report.tables.map(({ title, about, columns, rows }) =>
      [`## ${title}`, about, table(columns, rows)].join('\n\n'),
    ),
  ];
  if (report.remarks.length > 0) {
    parts.push(`## Remarks\n\n${report.remarks.map((remark) => `- ${remark}`).join('\n')}`);
  }
  return `${parts.join('\n\n')}\n`;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Writes the report where the caller asked for it. */
export async function writeReport(
  report: Report,
  files: { readonly json?: string | undefined; readonly markdown?: string | undefined },
): Promise<void> {
  if (files.json !== undefined) await write(files.json, `${JSON.stringify(report, plain, 2)}\n`);
  if (files.markdown !== undefined) await write(files.markdown, toMarkdown(report));
}

/** Maps as objects, so that they survive JSON. */
const plain = (_: string, item: unknown): unknown => (item instanceof Map ? Object.fromEntries(item) : item);

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
