/** `holdfast features export`: moves the log of accepted rows into Parquet files. */
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { withDuckDb } from './duckdb.js';
import { answer, HOLDING, OF_ACTS, onStore, PLACE, underLease } from './opened.js';
import { DIR } from './options.js';

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
