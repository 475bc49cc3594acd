/** `npm run bench -- <name>`: sets up, builds, and runs a benchmark, which collects garbage between its rounds. */
import { launch } from './launch.mjs';

launch('benchmarks/dist/main.js', ['--expose-gc']);
