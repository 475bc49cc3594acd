/** What bin/holdfast.js runs: `main` on this process and leaves with its exit code once nothing is left to do. */
import { processContext } from './context.js';
import { main } from './main.js';

process.exitCode = await main(process.argv.slice(2), processContext());
