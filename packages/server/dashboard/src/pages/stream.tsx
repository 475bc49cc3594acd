/** What the steps of a run write to one of its streams, such as the words of a model, as they write it. */
import { useEffect, useState } from 'preact/hooks';
import { counted } from '../format.js';
import { Card, Empty } from '../parts/layout.js';
import { Lines } from '../parts/text.js';
import { go, query, withQuery } from '../router.js';
import { type RunRef, runPath } from '../runs.js';
import { may } from '../session.js';

/** How many characters are shown: the last. */
const MOST = 20_000;
const MOST_CHUNKS = 5_000;

interface Chunk {
  readonly step: string;
  readonly text: string;
}

interface Followed {
  readonly chunks: readonly Chunk[];
  readonly isOver: boolean;
}

const NOTHING: Followed = { chunks: [], isOver: false };

export function StreamCard({ run }: { readonly run: RunRef }) {
  const name = query.value.get('stream') ?? '';
  const [typed, setTyped] = useState(name);
  if (!may('workflows:data', run.workflow)) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    go(withQuery({ stream: typed.trim() || undefined }), { replaces: true });
  };
  return (
    <Card
      title="A stream, live"
      right={
        <form class="row" onSubmit={submit}>
          <input
            aria-label="Name of a stream"
            placeholder="Name of a stream"
            value={typed}
            onInput={({ currentTarget: { value } }) => setTyped(value)}
          />
          <button type="submit">Follow</button>
        </form>
      }
    >
      {name === '' ? (
        <Empty why="Steps write to streams by name, with step.stream('words').write(…). Name one to read it from its beginning and follow it." />
      ) : (
        <Following key={name} run={run} name={name} />
      )}
    </Card>
  );
}

function Following({ run, name }: { readonly run: RunRef; readonly name: string }) {
  const { chunks, isOver } = useStream(runPath(run, `/streams/${encodeURIComponent(name)}`));
  return (
    <div class="pad rows">
      <p class="caption">
        {counted(chunks.length, 'chunk')}
        {isOver ? '; the run is over' : '; it is followed'}
      </p>
      {chunks.length > 0 && (
        <Lines
          of={chunks
            .map(({ text }) => text)
            .join('')
            .slice(-MOST)}
          name={`Stream ${name}`}
        />
      )}
    </div>
  );
}

/** A browser that was cut off comes back by itself, after the last event. */
function useStream(path: string): Followed {
  const [followed, setFollowed] = useState(NOTHING);
  useEffect(() => {
    const source = new EventSource(path);
    source.addEventListener('chunk', ({ data }) => {
      const { chunk, step } = JSON.parse(data) as { chunk?: unknown; step: string };
      const text = typeof chunk === 'string' ? chunk : `${JSON.stringify(chunk)}\n`;
      setFollowed(({ chunks }) => ({
        chunks: [...chunks.slice(-MOST_CHUNKS), { step, text }],
        isOver: false,
      }));
    });
    // Another attempt begins: what the step has written before is void, or what all have.
    source.addEventListener('restart', ({ data }) => {
      const { step } = JSON.parse(data) as { step?: string };
      setFollowed(({ chunks }) => ({
        chunks: step === undefined ? [] : chunks.filter((chunk) => chunk.step !== step),
        isOver: false,
      }));
    });
    source.addEventListener('end', () => {
      source.close();
      setFollowed((before) => ({ ...before, isOver: true }));
    });
    return () => source.close();
  }, [path]);
  return followed;
}
