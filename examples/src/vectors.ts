/**
 * An index of vectors in the memory of this process: what is near to what. The sample of the README of @holdfast/vectors.
 */

// #region readme
import { createLocalIndex } from '@holdfast/vectors';

const index = createLocalIndex({ dimensions: 3 }); // as many as your model gives
index.put('apple', [0.9, 0.1, 0.0]);
index.put('pear', [0.8, 0.3, 0.1]);
index.put('bus', [0.0, 0.2, 0.9]);
index.delete('pear');
const [nearest] = index.search([1, 0, 0], { limit: 1, filter: (id) => id !== 'bus' });
console.log(nearest?.id, nearest?.score.toFixed(1)); // apple 1.0
// #endregion readme
