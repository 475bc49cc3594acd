/** The lock nodes: how many vote, what the doctor finds and advises, and what is known of each. */
import type { Examination, Finding, NodeFacts } from '@holdfast/client';
import type { Problem } from '../api.js';
import { bytes, counted, duration, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Facts, Head, Pill, Refused, type Tone } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name } from '../parts/text.js';

export const DOCTOR = '/v1/doctor';

export function NodesPage() {
  const { value, problem, stale } = useLive<Examination>(DOCTOR);
  return (
    <>
      <Head
        name="Nodes"
        verdict={value ? nodesVerdict(value) : 'Nodes'}
        sub="The independent Redis servers that grant leases by majority."
      />
      {problem && !value && <Unknown problem={problem} />}
      {value && (
        <>
          <Findings findings={value.findings} stale={stale} />
          <Card title="Nodes" stale={stale} right={<a href="/locks">Leases that are held</a>}>
            <Table name="Nodes" rows={value.nodes} keyOf={({ node }) => node} columns={COLUMNS} />
          </Card>
          <About {...value} />
        </>
      )}
    </>
  );
}

/** `problem`: why nothing is known of the nodes. */
const Unknown = ({ problem }: { readonly problem: Problem }) =>
  problem.status === 400 ? (
    <Empty
      why="This server was started without lock nodes, so it grants no leases. Name them, an odd number of independent servers:"
      command="npx holdfast serve --nodes redis://a:6379,redis://b:6379,redis://c:6379"
    />
  ) : (
    <Refused problem={problem} />
  );

/** In words: how many vote, and how many more may fail. */
export function nodesVerdict({ summary: { nodes, voting, quorum, spare } }: Examination): string {
  const needed = `${quorum} ${quorum === 1 ? 'is' : 'are'} needed`;
  const vote = `${voting} of ${counted(nodes, 'node')} ${voting === 1 ? 'votes' : 'vote'}`;
  if (voting < quorum) return `${vote}; ${needed}: no lease can be had now`;
  return `${vote}; ${needed}, so ${spare === 0 ? 'no' : spare} more may fail`;
}

const TONES: Readonly<Record<Finding['severity'], Tone>> = { error: 'bad', warning: 'wait', note: 'over' };

interface Merged {
  readonly finding: Finding;
  readonly nodes: readonly string[];
}

/** Findings that say the same of several nodes are one. */
function merged(findings: readonly Finding[]): readonly Merged[] {
  const groups = new Map<string, Merged>();
  for (const finding of findings) {
    const { severity, check, message, advice, node } = finding;
    const key = JSON.stringify([severity, check, message, advice]);
    const nodes = [...(groups.get(key)?.nodes ?? []), ...(node === undefined ? [] : [node])];
    groups.set(key, { finding, nodes });
  }
  return [...groups.values()];
}

function Findings({ findings, stale }: { readonly findings: readonly Finding[]; readonly stale: boolean }) {
  return (
    <Card title="What the doctor finds" stale={stale}>
      {findings.length === 0 && <Empty why="Nothing is wrong with the nodes, and nothing is about to be." />}
      <ul class="findings">
        {merged(findings).map(({ finding: { severity, check, message, advice }, nodes }) => (
          <li key={`${check} ${message}`}>
            <Pill tone={TONES[severity]}>{severity}</Pill>
            <div>
              <p class="what">{message}</p>
              <p class="caption">
                {check}: {nodes.length === 0 ? 'the deployment' : nodes.join(', ')}
              </p>
              <p>{advice}</p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function State({ votes, votesIn, trouble }: NodeFacts) {
  if (votes) return <Pill tone="good">votes</Pill>;
  if (trouble !== undefined) return <Pill tone="bad">cannot be asked</Pill>;
  if (votesIn !== undefined) return <Pill tone="wait">votes in {duration(votesIn)}</Pill>;
  return <Pill tone="bad">does not vote</Pill>;
}

const measured = (title: string, of: (node: NodeFacts) => string | undefined): Column<NodeFacts> => ({
  title,
  isNumber: true,
  show: (node) => of(node) ?? '–',
});

const COLUMNS: readonly Column<NodeFacts>[] = [
  { title: 'Node', show: ({ node }) => <Name of={node} /> },
  { title: 'State', show: (node) => <State {...node} /> },
  measured('Redis', ({ version }) => version),
  measured('Round trip', ({ latency }) => (latency === undefined ? undefined : duration(latency))),
  measured('Clock', ({ clock }) => (clock === undefined ? undefined : ahead(clock))),
  measured('Memory', ({ memory }) =>
    memory === undefined
      ? undefined
      : `${bytes(memory.used)}${memory.limit > 0 ? ` of ${bytes(memory.limit)}` : ''}`,
  ),
  measured('Clients', ({ clients }) => (clients === undefined ? undefined : number(clients))),
  measured('Replicas', ({ replicas }) => (replicas === undefined ? undefined : number(replicas))),
  measured('Persistence', ({ persistence }) => persistence),
  measured('Rights', ({ missingRights }) =>
    missingRights === undefined
      ? undefined
      : missingRights.length === 0
        ? 'complete'
        : `lacks ${missingRights.join(' ')}`,
  ),
];

function ahead(ms: number): string {
  if (Math.abs(ms) < 1) return 'agrees';
  return `${duration(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`;
}

function About({ summary, deployment }: Examination) {
  const { voting, quorum, restartIn } = summary;
  return (
    <Card title="The deployment">
      <div class="pad rows">
        <Facts
          of={[
            ['Name', <Name key="name" of={deployment.name} />],
            ['Parameters', <Name key="parameters" of={deployment.parameters} />],
            [
              'If one more fails',
              voting - 1 >= quorum ? 'leases go on' : 'no lease can be granted or extended',
            ],
            [
              'Restarting one',
              restartIn === undefined
                ? 'not now: a renewed lease could be lost'
                : restartIn === 0
                  ? 'may be done now, without the loss of a renewed lease'
                  : `in ${duration(restartIn)}, without the loss of a renewed lease`,
            ],
            [
              'After a restart',
              `a node votes on nothing for ${duration(deployment.quarantine)}, unless it lost nothing`,
            ],
          ]}
        />
        <Empty
          why="Nodes are added, removed and initialized from the command line only:"
          command="npx holdfast nodes status --nodes redis://…"
        />
      </div>
    </Card>
  );
}
