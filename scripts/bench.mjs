/** `npm run bench -- lock`: sets up, builds, and runs a benchmark, which collects garbage between its rounds. */
import { launch } from './launch.mjs';

launch('benchmarks/dist/main.js', ['--expose-gc']);
