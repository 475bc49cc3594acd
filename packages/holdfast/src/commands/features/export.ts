/** `holdfast features export` moves the log of accepted rows into Parquet files; `compact` makes fewer files of many. */
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { withDuckDb } from './duckdb.js';
import { answer, HOLDING, OF_ACTS, onStore, PLACE, underLease } from './opened.js';
import { COMPACT_GRACE, DIR } from './options.js';

export const exportRows: Command = {
  ...OF_ACTS,
  name: 'export',
  summary: 'Move the log of accepted rows into Parquet files.',
  operands: [],
  about: `What is in the log when it begins; run it again and again, as every minute.
Every row is in the log or in one file, wherever it stops. Needs
@duckdb/node-api.`,
  options: [...PLACE, DIR, ...HOLDING, JSON_OUTPUT],
  example: 'holdfast features export --dir ./exported --store shop',
  run: onStore((call) =>
    underLease(call, undefined, ({ holder }) =>
      withDuckDb(call.args, async (duckdb) => {
        const dir = call.args.text(DIR) ?? '';
        const report = await call.store.exporter({ duckdb: duckdb as never, dir, holder }).run();
        const { rows, undecoded, files, lost } = report;
        const words = `${rows} rows are in ${files} files, ${undecoded} of them as bytes; ${lost} parts of the log had been trimmed before.`;
        return answer(call, report, words);
      }),
    ),
  ),
};

export const compact: Command = {
  ...OF_ACTS,
  name: 'compact',
  summary: 'Make fewer and larger files of the exported ones.',
  operands: [],
  about: `One file of those of a generation and a day, without rows about entities that
were erased; run it about once a day. Needs @duckdb/node-api.`,
  options: [...PLACE, DIR, COMPACT_GRACE, ...HOLDING, JSON_OUTPUT],
  example: 'holdfast features compact --dir ./exported --store shop',
  run: onStore((call) =>
    underLease(call, undefined, ({ holder }) =>
      withDuckDb(call.args, async (duckdb) => {
        const dir = call.args.text(DIR) ?? '';
        const exporter = call.store.exporter({ duckdb: duckdb as never, dir, holder });
        const report = await exporter.compact(given({ grace: call.args.duration(COMPACT_GRACE) }));
        const words = Object.entries(report).map(([what, count]) => `${count} ${what}`);
        return answer(call, report, words.join(', '));
      }),
    ),
  ),
};
