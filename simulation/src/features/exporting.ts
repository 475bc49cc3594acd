/** The steps by which a program exports the logs, compacts what was exported, and drops what was kept for long enough. */
import { FOLDERS } from './names.js';
import type { FeaturesStep } from './plan.js';
import type { Program } from './program.js';
import { Tables } from './tables.js';

type Step<F> = Extract<FeaturesStep, { readonly f: F }>;

/** Of another store, as who has forgotten everything finds it. */
const OTHER = /has the rows of another store/;

export async function exportLogs(
  program: Program,
  { told, compacts, calls }: Omit<Step<'export'>, 'f' | 'after'>,
): Promise<void> {
  const holder = program.grant('export', told);
  for (const folder of FOLDERS) {
    const dir = `${program.disk.root}/${folder}`;
    try {
      const exporter = program.store.exporter({ duckdb: new Tables(program.disk), dir, holder });
      const reports = await allOf(Array.from({ length: calls }, () => exporter.run()));
      for (const { rows, files, lost } of reports)
        program.note(`has exported ${rows} rows in ${files} files; ${lost} parts are lost`);
      if (!compacts) return;
      const { replaced, made, deleted } = await exporter.compact({ grace: 0 });
      program.note(`has made ${made} files of ${replaced}, and deleted ${deleted}`);
      return;
    } catch (error) {
      if (!OTHER.test(String(error))) throw error;
    }
  }
}

/** Throws what is thrown first, once all have ended. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

/** All that there is; compacted twice, so that what the first one has replaced is gone. */
export async function exportAll(program: Program): Promise<void> {
  if (!program.exports) return;
  for (let round = 0; round < 2; round += 1)
    await exportLogs(program, { told: true, compacts: true, calls: 1 });
}

/** Does something with the folder of what was exported, or without one where nothing was. */
export async function withFolder<T>(
  { disk }: Program,
  what: (options: { readonly dir?: string }) => Promise<T>,
): Promise<T> {
  for (const folder of [...FOLDERS].reverse()) {
    const dir = `${disk.root}/${folder}`;
    if (!disk.has(`${dir}/_manifest/store.json`)) continue;
    try {
      return await what({ dir });
    } catch (error) {
      if (!OTHER.test(String(error))) throw error;
    }
  }
  return what({});
}
