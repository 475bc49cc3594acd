/** The model of Redis against a real one: `npm run simulate -- model`. */
export { type Comparison, compareModel } from './compare.js';
