/** The waterfall of a run: a row for each attempt of a step, and for what came to the run, with bars over a common axis. */
import type { WaterfallRow } from '@holdfast/client';
import { duration, shownName, time } from '../format.js';
import { type Axis, axisOf } from '../waterfall.js';
import { Pill, type Tone } from './layout.js';
import { type Column, Table } from './table.js';
import { Name, Token } from './text.js';

const TONES: Readonly<Record<WaterfallRow['state'], Tone>> = {
  open: 'good',
  retried: 'wait',
  done: 'over',
  failed: 'bad',
  fired: 'over',
  came: 'over',
};

export function Waterfall(props: {
  readonly rows: readonly WaterfallRow[];
  readonly started: number | undefined;
  /** Undefined of a run that is over. */
  readonly now: number | undefined;
}) {
  const { rows, started, now } = props;
  const axis = axisOf(rows, started, now);
  const numbered = rows.map((row, index) => ({ ...row, index }));
  return (
    <>
      <Table name="Steps" rows={numbered} keyOf={({ index }) => String(index)} columns={columnsOf(axis)} />
      {axis && axis.folds.length > 0 && (
        <p class="pad caption">
          Folded, because nothing went on: {axis.folds.map(({ from, to }) => duration(to - from)).join(', ')}.
        </p>
      )}
    </>
  );
}

const columnsOf = (axis: Axis | undefined): readonly Column<WaterfallRow>[] => [
  {
    title: 'Step',
    show: ({ step, name, kind }) => (
      <span>
        <Name of={name === '' ? kind : name} /> <span class="caption">{shownName(step)}</span>
      </span>
    ),
  },
  {
    title: 'State',
    show: ({ kind, state }) => (
      <Pill tone={kind === 'takeover' ? 'refused' : TONES[state]}>{textOf(kind, state)}</Pill>
    ),
  },
  { title: 'Attempt', isNumber: true, show: ({ attempt }) => attempt ?? '–' },
  { title: 'Token', show: ({ token }) => (token === undefined ? '–' : <Token of={token} />) },
  {
    title: 'Took',
    isNumber: true,
    show: ({ began, ended }) => (began === undefined || ended === undefined ? '–' : duration(ended - began)),
  },
  {
    title: axis === undefined ? 'When' : `From ${time(axis.from)} to ${time(axis.to)}`,
    show: (row) => <BarOf row={row} axis={axis} />,
  },
];

const textOf = (kind: WaterfallRow['kind'], state: WaterfallRow['state']): string =>
  kind === 'takeover' ? 'taken over' : state === 'open' ? (kind === 'timer' ? 'sleeps' : 'goes on') : state;

function BarOf({ row, axis }: { readonly row: WaterfallRow; readonly axis: Axis | undefined }) {
  const { began, ended, state, detail } = row;
  return (
    <div class="fall">
      {axis && began !== undefined && ended !== undefined && (
        <svg
          width="100%"
          height="12"
          role="img"
          aria-label={`from ${time(began)}, for ${duration(ended - began)}`}
        >
          {axis.folds.map(({ at }) => (
            <line key={at} class="fold" x1={`${at}%`} x2={`${at}%`} y1="0" y2="12" />
          ))}
          <rect
            class={state}
            x={`${axis.at(began)}%`}
            y="1"
            width={`${Math.max(0.6, axis.at(ended) - axis.at(began))}%`}
            height="10"
            rx="3"
          />
        </svg>
      )}
      {detail && (
        <div class="cut caption" title={detail}>
          {shownName(detail)}
        </div>
      )}
    </div>
  );
}
