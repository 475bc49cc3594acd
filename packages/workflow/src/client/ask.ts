/**
 * A question to a run: a message, and the wait for its answer.
 *
 * Guarantees: with an id it may be repeated, and has one answer. A run that ends or is stuck without an answer, or gives none
 * in time, is an UnansweredError.
 */
import { AbortedError } from '@holdfast/kernel';
import { UnansweredError } from '../errors.js';
import type { Message, Reply } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Partition } from './partition.js';

export interface Question {
  readonly workflow: string;
  readonly id: string;
  readonly message: Omit<Message, 'from'>;
  /** Whether the same question may have been asked before. */
  readonly isRepeatable: boolean;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The run, as it is known by now. */
  readonly run: () => RunRef;
  /** False if the run is over. */
  readonly tell: (message: Message) => Promise<boolean>;
}

type AskParts = Pick<Partition, 'store' | 'waits' | 'asks' | 'mailbox' | 'listen'>;

export async function ask(partition: AskParts, question: Question): Promise<unknown> {
  const { asks, waits, store, mailbox } = partition;
  const { workflow, id, message, timeout, signal, run, tell } = question;
  await partition.listen();
  const over = new AbortController();
  let why = 'the app was closed';
  const end = (reason: string): void => {
    if (over.signal.aborted) return;
    why = reason;
    over.abort();
  };
  const until = AbortSignal.any([over.signal, store.closed, ...(signal ? [signal] : [])]);
  const answer = asks.answer({ run, id: message.id, signal: until, timeout, onLate: end });
  answer.catch(() => {}); // it is awaited below, unless the message cannot be told
  try {
    const isTold = await tell({ ...message, from: mailbox });
    if (!isTold) end('it is over');
    else if (question.isRepeatable) asks.lookAgain(run().run, message.id);
    if (isTold)
      void waits.wait(run(), until).then(
        (rest) => rest && end(`it is ${rest.status}`),
        () => {},
      );
    const reply: Reply | undefined = await answer;
    if (reply) return reply.value;
  } finally {
    over.abort();
  }
  if (signal?.aborted)
    throw new AbortedError(`Aborted while waiting for an answer of "${id}".`, signal.reason);
  throw new UnansweredError({ workflow, id, message: message.name, reason: why });
}
