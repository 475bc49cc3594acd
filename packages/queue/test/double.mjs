/** The handler of a thread, for threads.test.ts. */
export default ({ data }) => {
  if (data === 'exit') process.exit(3);
  if (data === 'throw') throw new Error('thrown in the thread');
  if (data === 'spin') for (;;);
  return `${data}${data}`;
};
