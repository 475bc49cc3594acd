/** `npm run faults`: sets up, builds, and runs the faults; `-- --help` explains. */
import { launch } from './launch.mjs';

launch('faults/dist/main.js');
