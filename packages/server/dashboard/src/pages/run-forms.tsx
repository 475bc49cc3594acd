/** What a run can be given, by the right to write: a message, or another run over a part of it. */
import type { WaterfallRow } from '@holdfast/client';
import { useState } from 'preact/hooks';
import { pathOf } from '../api.js';
import { shownName } from '../format.js';
import { act, say } from '../parts/dialogs.js';
import { Card } from '../parts/layout.js';
import { go } from '../router.js';
import { type RunRef, runHref, runPath } from '../runs.js';

const MESSAGES = '/v1/workflows/{workflow}/runs/{id}/messages/{message}';

export function MessageForm({ run }: { readonly run: RunRef }) {
  const [name, setName] = useState('');
  const [payload, setPayload] = useState('');
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = payloadIn(payload);
    if (given === undefined) return say('The message is no JSON: text has double quotes.', true);
    const isSent = await act({
      method: 'POST',
      path: pathOf(MESSAGES, { workflow: run.workflow, id: run.id, message: name.trim() }, { key: run.key }),
      body: given,
      said: (answer) =>
        (answer as { sent: boolean }).sent ? `"${name.trim()}" was sent.` : `${shownName(run.id)} is over.`,
    });
    if (isSent) setPayload('');
  };
  return (
    <Card title="Send a message">
      <form class="pad fields" onSubmit={(event) => void send(event)}>
        <label>
          Its name, as the function receives it
          <input required value={name} onInput={({ currentTarget: { value } }) => setName(value)} />
        </label>
        <label>
          What it says, as JSON
          <textarea
            rows={2}
            placeholder="true"
            value={payload}
            onInput={({ currentTarget: { value } }) => setPayload(value)}
          />
        </label>
        <div>
          <button type="submit">Send</button>
        </div>
      </form>
    </Card>
  );
}

/** Undefined if it is no JSON. */
function payloadIn(text: string): { readonly payload?: unknown } | undefined {
  if (text.trim() === '') return {};
  try {
    return { payload: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A run that fails is forked from where it stopped, unless a step is chosen. */
export function ForkForm(props: { readonly run: RunRef; readonly rows: readonly WaterfallRow[] }) {
  const { run, rows } = props;
  const [from, setFrom] = useState('');
  const steps = new Map(
    rows.filter(({ kind }) => kind === 'step' || kind === 'once').map((row) => [row.step, row.name]),
  );
  const fork = async (event: Event): Promise<void> => {
    event.preventDefault();
    let begun: RunRef | undefined;
    const isDone = await act({
      method: 'POST',
      path: runPath(run, ':fork'),
      body: from === '' ? {} : { from },
      ask: {
        title: `Fork ${shownName(run.id)}?`,
        text: `Another run begins with what this one has done, and does ${from === '' ? 'again where it stopped' : `"${steps.get(from)}"`} and all that follows. This one stays as it is.`,
        action: 'Start 1 run',
      },
      said: (answer) => {
        begun = answer as RunRef;
        return `${shownName(begun.id)} was started.`;
      },
    });
    if (isDone && begun !== undefined) go(runHref(begun));
  };
  return (
    <Card title="Fork">
      <form class="pad fields" onSubmit={(event) => void fork(event)}>
        <label>
          Do anew from
          <select value={from} onChange={({ currentTarget: { value } }) => setFrom(value)}>
            <option value="">where it stopped</option>
            {[...steps].map(([step, name]) => (
              <option key={step} value={step}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <div>
          <button type="submit">Fork</button>
        </div>
      </form>
    </Card>
  );
}
