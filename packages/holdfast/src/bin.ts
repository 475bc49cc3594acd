/**
 * The program of bin/holdfast.js: runs `main` on this process, which exits with its code once nothing is left to do.
 */
import { processContext } from './context.js';
import { main } from './main.js';

process.exitCode = await main(process.argv.slice(2), processContext());
