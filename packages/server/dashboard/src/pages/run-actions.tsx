/** What can be done with a run: what its state and the rights allow. */
import { shownName } from '../format.js';
import { act } from '../parts/dialogs.js';
import { type RunRef, type RunState, runPath } from '../runs.js';
import { may } from '../session.js';

const OVER: readonly RunState[] = ['completed', 'failed', 'cancelled'];
const RETRIED: readonly RunState[] = ['stuck', 'failed', 'cancelled'];

export function RunActions(props: {
  readonly run: RunRef;
  readonly state: RunState;
  /** In a table. */
  readonly isSmall?: boolean;
}) {
  const { run, state, isSmall } = props;
  const named = shownName(run.id);
  const mayWrite = may('workflows:write', run.workflow);
  const mayEnd = may('workflows:admin', run.workflow);
  const retry = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: runPath(run, ':retry'),
      body: {},
      said: `${named} goes on where it was.`,
    });
  const cancel = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: runPath(run, ':cancel'),
      body: { reason: 'cancelled in the dashboard' },
      ask: {
        title: `Cancel ${named}?`,
        text: 'Its function is told and may undo what it has done; steps that go on are told, too.',
        action: 'Cancel 1 run',
      },
      said: `${named} was asked to end.`,
    });
  const terminate = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: runPath(run, ':terminate'),
      body: { reason: 'terminated in the dashboard' },
      ask: {
        title: `Terminate ${named}?`,
        text: 'It ends at once. Its function does not hear of that, and undoes nothing.',
        action: 'Terminate 1 run',
      },
      said: `${named} is over.`,
    });
  const size = isSmall ? 'small' : '';
  return (
    <span class="row">
      {RETRIED.includes(state) && mayWrite && (
        <button type="button" class={size} aria-label={`Retry ${named}`} onClick={() => void retry()}>
          Retry
        </button>
      )}
      {!OVER.includes(state) && mayWrite && (
        <button
          type="button"
          class={`danger ${size}`}
          aria-label={`Cancel ${named}`}
          onClick={() => void cancel()}
        >
          Cancel
        </button>
      )}
      {!isSmall && !OVER.includes(state) && mayEnd && (
        <button
          type="button"
          class="danger"
          aria-label={`Terminate ${named}`}
          onClick={() => void terminate()}
        >
          Terminate
        </button>
      )}
    </span>
  );
}
