/**
 * The methods of a task for a handler in a thread (thread.mjs), carried out in the worker's own thread.
 *
 * Guarantees: a call has an answer, whatever it throws; errors keep their message, name and code.
 */
import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '@holdfast/kernel';
import type { TaskOutcome } from './results.js';
import type { Task } from './task.js';

interface Call {
  readonly id: number;
  readonly verb: 'log' | 'progress' | 'outcomes';
  readonly argument: unknown;
}

/** How many outcomes one answer brings. */
const PAGE = 100;

/** Answers the calls that come over the port, until it is closed. */
export function answerCalls(task: Task, port: MessagePort): void {
  const readings = new Map<unknown, AsyncGenerator<TaskOutcome, void>>();
  const carryOut = async ({ verb, argument }: Call): Promise<unknown> => {
    if (verb === 'log') return task.log(argument as string);
    if (verb === 'progress') return task.progress(argument);
    const reading = readings.get(argument) ?? task.outcomes();
    readings.set(argument, reading);
    return pageOf(reading);
  };
  port.on('message', async (call: Call) => {
    const { id } = call;
    try {
      port.postMessage({ id, value: await carryOut(call) });
    } catch (error) {
      port.postMessage({ id, error: partsOf(error) });
    }
  });
}

async function pageOf(
  reading: AsyncGenerator<TaskOutcome, void>,
): Promise<{ readonly page: readonly TaskOutcome[]; readonly done: boolean }> {
  const page: TaskOutcome[] = [];
  while (page.length < PAGE) {
    const { value, done } = await reading.next();
    if (done) return { page, done };
    page.push(value);
  }
  return { page, done: false };
}

function partsOf(error: unknown): object {
  const { name, code } = Object(error) as { readonly name?: unknown; readonly code?: unknown };
  return {
    message: messageOf(error),
    ...(typeof name === 'string' && { name }),
    ...(typeof code === 'string' && { code }),
  };
}
