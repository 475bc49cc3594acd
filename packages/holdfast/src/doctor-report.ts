/** A diagnosis as text: a block for each finding, worst first, and what it means for the majority. */
import { type Diagnosis, type Finding, type Summary, sayRestart } from '@holdfast/lock/doctor';
import { hang } from './help.js';

export function render({ findings, summary }: Diagnosis): string {
  return [...merged(findings).map(renderFinding), renderSummary(summary)].join('\n\n');
}

interface Merged {
  readonly finding: Finding;
  readonly nodes: readonly string[];
}

/** Merges findings that say the same of several nodes. */
function merged(findings: readonly Finding[]): readonly Merged[] {
  const groups = new Map<string, Merged>();
  for (const finding of findings) {
    const { severity, check, node, message, advice } = finding;
    const key = JSON.stringify([severity, check, message, advice]);
    const nodes = [...(groups.get(key)?.nodes ?? []), ...(node === undefined ? [] : [node])];
    groups.set(key, { finding, nodes });
  }
  return [...groups.values()];
}

function renderFinding({ finding, nodes }: Merged): string {
  const { severity, check, message, advice } = finding;
  const names = [...new Set(nodes)];
  const about = names.length === 0 ? 'the deployment' : names.join(', ');
  return [`${severity}: ${check}: ${about}`, hang('  ', message, 2), hang('  ', `-> ${advice}`, 2)].join(
    '\n',
  );
}

function renderSummary({ nodes, voting, quorum, spare, restartIn }: Summary): string {
  const needed = `${quorum} ${quorum === 1 ? 'is' : 'are'} needed`;
  const consequence =
    voting < quorum
      ? `${needed}: no lease can be had now`
      : `${needed}, so ${spare === 0 ? 'no' : spare} more may fail`;
  return `${voting} of ${nodes} ${nodes === 1 ? 'node' : 'nodes'} can vote now; ${consequence}.\n${sayRestart(restartIn)}`;
}
