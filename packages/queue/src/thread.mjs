/**
 * Runs in a thread, around the user's module, and reports the parts of its outcome that can be copied out of the
 * thread. Plain JavaScript, because threads load it as it is.
 *
 * Guarantees: never throws. Anything that is not reported here is lost on the way: the class and the code of an error,
 * and the fact that the handler succeeded although its result cannot be copied. What the handler has asked of its task is
 * answered before the attempt ends, also if it has not waited for that.
 */

/**
 * @param {{ module: string, task: object, port: import('node:worker_threads').MessagePort }} call
 * @returns {Promise<import('./threads.js').ThreadReply>}
 */
export default async function run({ module, task, port }) {
  const calls = new Calls(port);
  try {
    const { default: handler } = await import(module);
    if (typeof handler !== 'function')
      throw new TypeError(`threads.module has no default export that is a function of a task: ${module}.`);
    return replied('result', await handler(taskOver(calls, task)));
  } catch (thrown) {
    return { ...replied('thrown', thrown), isNonRetryable: isNonRetryable(thrown) };
  } finally {
    await calls.end();
  }
}

/** What `task.defer` gives. */
class Deferral {
  constructor(delay) {
    this.delay = delay;
  }
}

function taskOver(calls, task) {
  return {
    ...task,
    log: (line) => calls.make('log', line),
    progress: (value) => calls.make('progress', value),
    defer: (delay) => new Deferral(delay),
    async *outcomes() {
      const reading = calls.next();
      for (;;) {
        const { page, done } = await calls.make('outcomes', reading);
        yield* page;
        if (done) return;
      }
    },
  };
}

/** Calls of the task's own methods, which are carried out where the worker is. */
class Calls {
  #port;
  #last = 0;
  #pending = new Map();
  #isOver = false;

  constructor(port) {
    this.#port = port;
    port.on('message', ({ id, value, error }) => {
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) resolve(value);
      else reject(Object.assign(new Error(error.message), error));
    });
  }

  next() {
    this.#last += 1;
    return this.#last;
  }

  async make(verb, argument) {
    if (this.#isOver) throw new Error('The attempt at this task has ended; nothing more is done for it.');
    const id = this.next();
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    answer.catch(() => {}); // the handler need not wait for it
    this.#pending.get(id).answer = answer;
    try {
      this.#port.postMessage({ id, verb, argument });
    } catch (error) {
      this.#pending.delete(id);
      throw error;
    }
    return answer;
  }

  async end() {
    this.#isOver = true;
    await Promise.allSettled([...this.#pending.values()].map(({ answer }) => answer));
    this.#port.close();
  }
}

function replied(what, value) {
  if (isDeferral(value)) return { deferred: value.delay };
  try {
    structuredClone(value);
    return { [what]: value };
  } catch {
    return { [what]: undefined, uncopied: `what the thread gave cannot be copied (${typeof value})` };
  }
}

/** Of anything, a proxy that was revoked too. */
function isDeferral(value) {
  try {
    return value instanceof Deferral;
  } catch {
    return false;
  }
}

function isNonRetryable(thrown) {
  try {
    return thrown?.code === 'HOLDFAST_NON_RETRYABLE';
  } catch {
    return false;
  }
}
