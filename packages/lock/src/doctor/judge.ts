/**
 * From facts to a diagnosis: the problems, worst first, and which nodes can vote now.
 *
 * Guarantees: pure; the same facts give the same diagnosis. A node counts as voting unless a finding says why it
 * cannot.
 */
import type { Facts } from './facts.js';
import type { Diagnosis, Finding, Severity, Summary } from './findings.js';
import { QUORUM_CHECKS } from './quorum-checks.js';
import { contradictions, missingRecords, RECORD_CHECKS } from './record-checks.js';
import { restartFrom } from './restart.js';
import { SERVER_CHECKS } from './server-checks.js';

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

export function judge(facts: Facts): Diagnosis {
  const { nodes, deployment } = facts;
  const found: Finding[] = [];
  for (const check of [...SERVER_CHECKS, ...RECORD_CHECKS]) {
    for (const facing of nodes) {
      const finding = check(facing, deployment);
      if (finding) found.push({ ...finding, node: facing.node });
    }
  }
  found.push(...missingRecords(nodes, deployment), ...contradictions(nodes));
  for (const check of QUORUM_CHECKS) found.push(...check(facts));
  const voting = countVoting(facts, found);
  const all = [...majority(voting, facts), ...found];
  const findings = SEVERITIES.flatMap((severity) => all.filter((finding) => finding.severity === severity));
  return { findings, summary: summarize(voting, facts, findings) };
}

function countVoting({ nodes }: Facts, found: readonly Finding[]): number {
  const stopping = found.filter(({ stopsVotes }) => stopsVotes);
  if (stopping.some(({ node }) => node === undefined)) return 0;
  return nodes.filter(({ node }) => !stopping.some((finding) => finding.node === node)).length;
}

function majority(voting: number, { nodes, deployment: { quorum } }: Facts): Finding[] {
  if (voting >= quorum) return [];
  return [
    {
      severity: 'error',
      check: 'majority',
      message: `${voting} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} can vote now, and a lease needs ${quorum}: nobody can get or extend one.`,
      advice: 'See the findings on each node below. Nodes in quarantine vote again when it is over.',
    },
  ];
}

function summarize(voting: number, facts: Facts, findings: readonly Finding[]): Summary {
  const { nodes, deployment } = facts;
  const { quorum } = deployment;
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return {
    nodes: nodes.length,
    voting,
    quorum,
    spare: Math.max(0, voting - quorum),
    restartIn: restartFrom(facts, findings),
    errors: count('error'),
    warnings: count('warning'),
    notes: count('note'),
  };
}
