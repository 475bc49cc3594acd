/** The strip of a resource: who held it when, under which token, and the writes of earlier holders that were refused. */
import type { Lane, Strip } from '../fence.js';
import { counted, shownName, time, tokenText } from '../format.js';

const LANE = 44;
const BAR = 16;

export function FenceStrip({ strip, name }: { readonly strip: Strip; readonly name: string }) {
  const { from, to, lanes } = strip;
  const at = (moment: number): number => (100 * (moment - from)) / (to - from);
  const height = lanes.length * LANE + 22;
  return (
    <svg class="strip" height={height} role="img" aria-label={sentence(strip, name)}>
      {lanes.map((lane, index) => (
        <LaneOf key={lane.holder} lane={lane} top={index * LANE} at={at} />
      ))}
      <text class="axis" x="0" y={height - 6}>
        {time(from)}
      </text>
      <text class="axis" x="100%" y={height - 6} text-anchor="end">
        {time(to)}
      </text>
    </svg>
  );
}

function LaneOf({
  lane: { holder, bars, crosses },
  top,
  at,
}: {
  readonly lane: Lane;
  readonly top: number;
  readonly at: (moment: number) => number;
}) {
  const bar = top + 20;
  const middle = bar + BAR / 2;
  return (
    <g>
      <text x="0" y={top + 13}>
        {shownName(holder)}
      </text>
      <line class="lane" x1="0" x2="100%" y1={middle} y2={middle} />
      {bars.map(({ token, from, to, isValid }) => (
        <g key={`${token} ${from}`}>
          <rect
            class={isValid ? 'valid' : 'over'}
            x={`${at(from)}%`}
            y={bar}
            width={`${Math.max(0.4, at(to) - at(from))}%`}
            height={BAR}
            rx="4"
          >
            <title>{`${token}, from ${time(from)} to ${time(to)}`}</title>
          </rect>
          {at(to) - at(from) > 14 && (
            <text x={`${at(from) + 0.6}%`} y={bar + 12}>
              {tokenText(token)}
            </text>
          )}
        </g>
      ))}
      {crosses.map(({ at: moment, token, seen }) => (
        <svg key={`${moment} ${token}`} x={`${at(moment)}%`} y={bar} overflow="visible" aria-hidden="true">
          <path class="refused" d="M-5 3L5 13M5 3L-5 13">
            <title>{`${token} was refused at ${time(moment)}${seen === undefined ? '' : `: ${seen} was accepted before`}`}</title>
          </path>
        </svg>
      ))}
    </g>
  );
}

function sentence({ from, lanes }: Strip, name: string): string {
  const leases = lanes.reduce((sum, { bars }) => sum + bars.length, 0);
  const refused = lanes.reduce((sum, { crosses }) => sum + crosses.length, 0);
  const last = lanes.flatMap(({ holder, bars }) =>
    bars.filter(({ isValid }) => isValid).map(() => holder),
  )[0];
  return `${name} since ${time(from)}: ${counted(leases, 'lease')} of ${counted(lanes.length, 'holder')}; ${refused === 0 ? 'no write' : counted(refused, 'write')} under a stale token was refused; ${last === undefined ? 'nobody holds it' : `${shownName(last)} holds it`}`;
}
