/** What src/kernel/module.ts calls. */
export { clear, encode } from './encode';
export { attach } from './layout';
export { rotate } from './rotate';
export { bound, exact, scanned, scored, scratchBytes, search } from './search';
export { accumulate, nearest, setCentroid } from './train';
export { scaleOf, toInt16 } from './vector';
