/**
 * An index of keywords in the memory of this process: which texts have the words of a query. The sample of the README of
 * @holdfast/vectors.
 */

// #region readme
import { createKeywordIndex } from '@holdfast/vectors';

const articles = createKeywordIndex({ fields: { title: 2, body: 1 }, stopWords: ['the', 'a', 'your'] });
articles.put('reset', { title: 'Reset your password', body: 'Choose a new password in the settings.' });
articles.put('login', { title: 'Sign in', body: 'You need your password, or a passkey.' });
articles.put('café', { title: 'Opening hours of the café', body: 'From eight to five.' });
console.log(articles.search('the PASSWORD').map(({ id }) => id)); // [ 'reset', 'login' ]
console.log(articles.search('cafe')[0]?.id); // café
// #endregion readme
