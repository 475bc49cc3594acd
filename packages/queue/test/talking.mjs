/** A handler in a thread that calls the methods of its task, for threads.test.ts. */
export default async (task) => {
  const { data } = task;
  if (data === 'log') {
    await task.log('waited for');
    await task.progress({ done: 1 });
    task.log('not waited for');
    return task.log(5).catch(({ name, code, message }) => [name, code, message]);
  }
  if (data === 'defer') return task.defer(3_600_000);
  if (data === 'throw deferral') throw task.defer(3_600_000);
  if (data === 'nonsense') return task.defer(-1);
  if (data === 'after') {
    const seen = [];
    for await (const { place, state, result } of task.outcomes()) seen.push(`${place} ${state} ${result}`);
    return seen.length > 5 ? [seen.length, seen[0], seen.at(-1)] : seen;
  }
  if (data === 'no follow-up') for await (const _ of task.outcomes()) return 'never';
  return `${data}!`;
};
