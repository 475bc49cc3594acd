/** What is shown of the ledger while it runs. */
import type { Scene, Tally } from './faults.js';
import { type Colour, type Picture, paint } from './view.js';

/** `duration`: how long the faults strike, in ms. */
export function pictureOf({ crew, health, tally }: Scene, duration: number): Picture {
  const { granted, acknowledged, refused } = crew;
  return {
    line: () =>
      `granted ${granted.length}  acknowledged ${acknowledged.length}  refused ${refused.length}  nodes: ${health.summary()}`,
    lines: (time) => [
      `${paint('bold', 'Holdfast')}  ${time}s of ${duration / 1000}s`,
      '',
      paint('dim', '  worker   state       last token         acknowledged   refused'),
      ...crew.seats.map((worker) => {
        const state = paint(colourOf(worker.state), worker.state.padEnd(10));
        const counts = `${String(worker.acknowledged).padStart(12)}   ${String(worker.refused).padStart(7)}`;
        return `  ${worker.name.padEnd(6)}   ${state}  ${String(worker.token || '').padEnd(16)}   ${counts}`;
      }),
      '',
      `  nodes  ${health.nodes.map(({ port }) => String(port).padEnd(13)).join('')}`,
      `         ${health.nodes.map((node) => paint(colourOf(health.of(node)), health.of(node).padEnd(13))).join('')}`,
      `  granted ${granted.length}   acknowledged ${acknowledged.length}   ${paint('bold', `stale writes refused ${refused.length}`)}`,
      `  ${describe(tally)}`,
      '',
    ],
  };
}

/** The faults that have struck, in words. */
export function describe(tally: Tally): string {
  const { workersStopped, workersKilled, nodesKilled, nodesFrozen } = tally;
  return `faults: workers stopped ${workersStopped}, killed ${workersKilled}; nodes killed ${nodesKilled}, frozen ${nodesFrozen}`;
}

export function colourOf(state: string): Colour {
  if (['voting', 'holding', 'working'].includes(state)) return 'green';
  if (state === 'stopped' || state === 'killed' || state === 'frozen' || state === 'down') return 'red';
  return state === 'waiting' || state === 'starting' || state === 'finished' ? 'dim' : 'yellow';
}
