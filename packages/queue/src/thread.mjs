/**
 * Runs in a thread, around the user's module, and reports the parts of its outcome that can be copied out of the
 * thread. Plain JavaScript, because threads load it as it is.
 *
 * Guarantees: never throws. Anything that is not reported here is lost on the way: the class and the code of an error,
 * and the fact that the handler succeeded although its result cannot be copied.
 */

/**
 * @param {{ module: string, task: unknown }} call
 * @returns {Promise<import('./threads.js').ThreadReply>}
 */
export default async function run({ module, task }) {
  try {
    const { default: handler } = await import(module);
    if (typeof handler !== 'function')
      throw new TypeError(`threads.module has no default export that is a function of a task: ${module}.`);
    return copied('result', await handler(task));
  } catch (thrown) {
    return { ...copied('thrown', thrown), isNonRetryable: isNonRetryable(thrown) };
  }
}

function copied(what, value) {
  try {
    structuredClone(value);
    return { [what]: value };
  } catch {
    return { [what]: undefined, uncopied: `what the thread gave cannot be copied (${typeof value})` };
  }
}

function isNonRetryable(thrown) {
  try {
    return thrown?.code === 'HOLDFAST_NON_RETRYABLE';
  } catch {
    return false;
  }
}
