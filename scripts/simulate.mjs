/** `npm run simulate`: sets up, builds, and runs the simulator; `-- --help` explains. */
import { launch } from './launch.mjs';

launch('simulation/dist/main.js');
