/** All workflows of the app, with their runs by state. */
import { counted, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name } from '../parts/text.js';
import { href } from '../router.js';
import { RUN_LABELS, RUN_STATES, type RunCounts, type RunState } from '../runs.js';

interface Row extends RunCounts {
  readonly name: string;
}

const count = (state: RunState): Column<Row> => ({
  title: RUN_LABELS[state],
  isNumber: true,
  show: (row) => (
    <a href={href('/workflows/:workflow', { workflow: row.name }, { state })}>{number(row[state])}</a>
  ),
});

const COLUMNS: readonly Column<Row>[] = [
  {
    title: 'Workflow',
    show: ({ name }) => (
      <a href={href('/workflows/:workflow', { workflow: name })}>
        <Name of={name} />
      </a>
    ),
  },
  {
    title: 'State',
    show: (row) =>
      row.stuck > 0 ? (
        <Pill tone="bad">{counted(row.stuck, 'run')} stuck</Pill>
      ) : row.running + row.waiting > 0 ? (
        <Pill tone="good">at work</Pill>
      ) : (
        <Pill tone="over">idle</Pill>
      ),
  },
  ...RUN_STATES.map(count),
];

export function WorkflowsPage() {
  const { value, problem, stale } = useLive<{ counts: Readonly<Record<string, RunCounts>> }>(
    '/v1/workflows?counts=true',
  );
  const rows = value && Object.entries(value.counts).map(([name, counts]) => ({ name, ...counts }));
  return (
    <>
      <Head
        name="Workflows"
        verdict={verdict(rows)}
        sub="Durable runs of functions, each step under a token."
      />
      {problem && !rows && <Refused problem={problem} />}
      {rows && (
        <Card title="Workflows" stale={stale}>
          {rows.length === 0 ? (
            <Empty
              why="There is no workflow, or none that this key may read. One exists when a process that has createWorkflows({ workflows }) calls app.work(); the server finds it by the name of the app:"
              command="npx holdfast serve --app-name app"
            />
          ) : (
            <Table name="Workflows" rows={rows} keyOf={({ name }) => name} columns={COLUMNS} />
          )}
        </Card>
      )}
    </>
  );
}

function verdict(rows: readonly Row[] | undefined): string {
  if (!rows) return 'Workflows';
  if (rows.length === 0) return 'There is no workflow yet';
  const stuck = rows.reduce((sum, row) => sum + row.stuck, 0);
  const going = rows.reduce((sum, row) => sum + row.waiting + row.running + row.sleeping + row.delayed, 0);
  const all = `${counted(rows.length, 'workflow')}, ${counted(going, 'run')} under way`;
  return stuck === 0
    ? `${all}; none is stuck`
    : `${all}; ${counted(stuck, 'run')} ${stuck === 1 ? 'is' : 'are'} stuck`;
}
