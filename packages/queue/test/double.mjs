/** The handler of a thread, for threads.test.ts. */
export default ({ data }) => {
  if (data === 'exit') process.exit(3);
  if (data === 'throw') throw new Error('thrown in the thread');
  if (data === 'never')
    throw Object.assign(new Error('not even once more'), { code: 'HOLDFAST_NON_RETRYABLE' });
  if (data === 'function') return () => {};
  if (data === 'throw a function') throw () => {};
  if (data === 'throw nothing') throw Object.create(null);
  if (data === 'spin') for (;;);
  return `${data}${data}`;
};
