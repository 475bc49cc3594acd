/**
 * What the page asks before it does something that cannot be undone, and what it says afterwards.
 */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call, type Problem, wordsOf } from '../api.js';

interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says, with its number: "Remove 3 dead letters". */
  readonly action: string;
  readonly done: (isConfirmed: boolean) => void;
}

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const question = signal<Question | undefined>(undefined);
const toasts = signal<readonly Toast[]>([]);
let last = 0;

const confirmed = (asked: Omit<Question, 'done'>): Promise<boolean> =>
  new Promise((done) => {
    question.value = { ...asked, done };
  });

export function say(text: string, isBad = false): void {
  last += 1;
  const toast = { id: last, text, isBad };
  toasts.value = [...toasts.value.slice(-3), toast];
  setTimeout(
    () => {
      toasts.value = toasts.value.filter(({ id }) => id !== toast.id);
    },
    isBad ? 12_000 : 5_000,
  );
}

/** Calls an operation, and says what became of it. Asks before, if there is a question. */
export async function act(options: {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly ask?: Omit<Question, 'done'>;
  readonly said: string | ((answer: unknown) => string);
}): Promise<boolean> {
  const { method, path, body, ask, said } = options;
  if (ask && !(await confirmed(ask))) return false;
  try {
    const answer = await call(method, path, body);
    say(typeof said === 'string' ? said : said(answer));
    return true;
  } catch (error) {
    say(wordsOf(error as Problem), true);
    return false;
  }
}

export function Dialogs() {
  return (
    <>
      {question.value && <Asking {...question.value} />}
      <div class="toasts" role="status">
        {toasts.value.map(({ id, text, isBad }) => (
          <div key={id} class={isBad ? 'toast bad' : 'toast'}>
            {text}
          </div>
        ))}
      </div>
    </>
  );
}

function Asking({ title, text, action, done }: Question) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const answer = (isConfirmed: boolean): void => {
    question.value = undefined;
    done(isConfirmed);
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onCancel={() => answer(false)}>
      <h2 id="question">{title}</h2>
      <p class="sub">{text}</p>
      <div class="row">
        <button type="button" onClick={() => answer(false)}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
