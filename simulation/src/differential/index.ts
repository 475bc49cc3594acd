/** The model of Redis against a real one: `npm run simulate -- model`. */
export { compareModel } from './compare.js';
