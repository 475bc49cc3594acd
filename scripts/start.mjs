/** `npm start`: sets up, builds, and opens the shop. `npm start -- --help` lists its arguments. */
import { launch } from './launch.mjs';

launch('examples/dist/shop/main.js');
