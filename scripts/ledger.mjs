/** `npm run ledger`: sets up, builds, and runs the ledger. `npm run ledger -- --help` lists its arguments. */
import { launch } from './launch.mjs';

launch('examples/dist/ledger/main.js');
