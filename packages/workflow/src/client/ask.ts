/**
 * A question to a run: a message, and the wait for its answer.
 *
 * Guarantees: with an id it may be repeated, and has one answer. A run that ends or is stuck without an answer, or gives none
 * in time, is an UnansweredError.
 */
import { UnansweredError } from '../errors.js';
import type { Message, Reply } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Partition } from './partition.js';
import type { Until } from './until.js';

export interface Question {
  readonly workflow: string;
  readonly id: string;
  readonly message: Omit<Message, 'from'>;
  /** Whether the same question may have been asked before. */
  readonly isRepeatable: boolean;
  readonly timeout: number | undefined;
  readonly until: Until;
  /** The run, as it is known by now. */
  readonly run: () => RunRef;
  /** False if the run is over. */
  readonly tell: (message: Message) => Promise<boolean>;
}

type AskParts = Pick<Partition, 'waits' | 'asks' | 'mailbox' | 'listen'>;

export async function ask(partition: AskParts, question: Question): Promise<unknown> {
  const { asks, waits, mailbox } = partition;
  const { workflow, id, message, timeout, until, run, tell } = question;
  await until.of(partition.listen());
  const over = new AbortController();
  let why = '';
  const end = (reason: string): void => {
    if (over.signal.aborted) return;
    why = reason;
    over.abort();
  };
  const signal = AbortSignal.any([over.signal, until.signal]);
  const answer = asks.answer({ run, id: message.id, signal, timeout, onLate: end });
  answer.catch(() => {}); // it is awaited below, unless the message cannot be told
  try {
    const isTold = await until.of(tell({ ...message, from: mailbox }));
    if (!isTold) end('it is over');
    else if (question.isRepeatable) asks.lookAgain(run().run, message.id);
    if (isTold)
      void waits.wait(run(), signal).then(
        (rest) => rest && end(`it is ${rest.status}`),
        () => {},
      );
    const reply: Reply | undefined = await until.of(answer);
    if (reply) return reply.value;
  } finally {
    over.abort();
  }
  throw new UnansweredError({ workflow, id, message: message.name, reason: why });
}
