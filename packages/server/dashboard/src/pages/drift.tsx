/** How far what a view serves has moved from its baseline, feature by feature. */
import type { Drift, FeatureDrift } from '@holdfast/client';
import { useEffect, useState } from 'preact/hooks';
import { call, type Problem, pathOf } from '../api.js';
import { counted, number } from '../format.js';
import { Bins } from '../parts/charts.js';
import { act } from '../parts/dialogs.js';
import { Card, Empty, Pill, Refused, type Tone } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { may } from '../session.js';

const TONES: Readonly<Record<FeatureDrift['verdict'], Tone>> = {
  ...{ stable: 'good', moved: 'wait', changed: 'bad', unknown: 'over' },
};

/** It looks at thousands of rows, so it is asked for once, and again on demand. */
export function DriftOf({
  store,
  view,
  kind,
}: {
  readonly store: string;
  readonly view: string;
  readonly kind: string;
}) {
  const [found, setFound] = useState<Drift | Problem | undefined>(undefined);
  const [times, setTimes] = useState(0);
  const isFlags = kind === 'flags';
  useEffect(() => {
    let isWanted = !isFlags;
    const told = (answer: Drift | Problem): void => {
      if (isWanted) setFound(answer);
    };
    if (isWanted)
      void call<Drift>('GET', pathOf('/v1/features/{store}/views/{view}/drift', { store, view })).then(
        told,
        told,
      );
    return () => {
      isWanted = false;
    };
  }, [store, view, isFlags, times]);
  const again = (): void => setTimes(times + 1);
  const keep = async (): Promise<void> => {
    const kept = await act({
      method: 'PUT',
      path: pathOf('/v1/features/{store}/views/{view}/baseline', { store, view }),
      said: 'The baseline is taken.',
    });
    if (kept) again();
  };
  const drift = found && 'features' in found ? found : undefined;
  const isUnset = drift !== undefined && drift.since === undefined;
  return (
    <Card
      title="Drift"
      right={
        drift && (
          <>
            <button type="button" onClick={again}>
              Look again
            </button>
            {may('features:admin', store) && drift.rows > 0 && (
              <button type="button" onClick={() => void keep()}>
                Keep as baseline
              </button>
            )}
          </>
        )
      }
    >
      {isFlags && (
        <Empty why="A view of flags has no drift, because flags are bits and not rows. Count them where they are set." />
      )}
      {found && !drift && <Refused problem={found as Problem} />}
      {isUnset && (
        <Empty
          why="There is no baseline to compare with yet. Take one when a model is trained, of the rows that are served then or of its training set:"
          command={`npx holdfast features baseline ${view} --store ${store}`}
        />
      )}
      {drift && !isUnset && <p class="pad caption">{aboutOf(drift)}</p>}
      {drift && drift.rows > 0 && (
        <Table name="Drift" rows={drift.features} keyOf={({ feature }) => feature} columns={COLUMNS} />
      )}
    </Card>
  );
}

const aboutOf = ({ since, rows }: Drift) => (
  <>
    {counted(rows, 'row')} that are served now, compared with the baseline of {since && <Time at={since} />}.
    With fewer than 200 rows the verdict is unknown.
  </>
);

const shown = (value: number | undefined): string =>
  value === undefined ? '–' : String(Number(value.toPrecision(3)));
const nulls = ({ nulls: count, count: rows }: FeatureDrift['now']): string =>
  rows === 0 ? '–' : `${number(Math.round((1_000 * count) / rows) / 10)} %`;

const COLUMNS: readonly Column<FeatureDrift>[] = [
  { title: 'Feature', show: ({ feature }) => <Name of={feature} /> },
  { title: 'Verdict', show: ({ verdict }) => <Pill tone={TONES[verdict]}>{verdict}</Pill> },
  { title: 'PSI', isNumber: true, show: ({ psi }) => shown(psi) },
  { title: 'PSI of nulls', isNumber: true, show: ({ nullPsi }) => shown(nullPsi) },
  { title: 'Mean before', isNumber: true, show: ({ before }) => shown(before?.mean) },
  { title: 'Mean', isNumber: true, show: ({ now }) => shown(now.mean) },
  { title: 'Null before', isNumber: true, show: ({ before }) => (before ? nulls(before) : '–') },
  { title: 'Null', isNumber: true, show: ({ now }) => nulls(now) },
  { title: 'Before and now', show: ({ feature, bins }) => <Bins of={bins} label={feature} /> },
];
