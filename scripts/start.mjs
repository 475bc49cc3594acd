/** `npm start`: sets up, builds, and runs the demonstration. `npm start -- --help` lists its arguments. */
import { launch } from './launch.mjs';

launch('examples/dist/ledger/main.js');
