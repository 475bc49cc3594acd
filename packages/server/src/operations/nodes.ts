/**
 * Operations on the lock nodes: what the doctor finds.
 *
 * Guarantees: they change nothing, and show no password and no value of a key.
 */
import type { Examined, NodeFacts } from '@holdfast/lock/doctor';
import { z } from 'zod';
import { operation } from './operation.js';
import { none } from './values.js';

const finding = z
  .object({
    severity: z
      .enum(['error', 'warning', 'note'])
      .describe('An error makes leases fail or unsafe, a warning will if something else happens.'),
    check: z.string(),
    node: z.string().optional().describe('Absent if it is about the deployment as a whole.'),
    message: z.string(),
    advice: z.string(),
  })
  .meta({ id: 'Finding' });

const nodeFacts = z
  .object({
    node: z.string(),
    votes: z.boolean().describe('Whether it can vote now.'),
    votesIn: z.number().optional().describe('In how many ms a node votes that may have forgotten leases.'),
    trouble: z.string().optional().describe('Why nothing else is known of it.'),
    version: z.string().optional(),
    latency: z.number().optional().describe('Of the quickest of several PINGs, in ms.'),
    clock: z.number().optional().describe("How far its clock is ahead of the server's, in ms."),
    memory: z
      .object({ used: z.number(), limit: z.number().describe('0 for none.') })
      .optional()
      .describe('In bytes.'),
    clients: z.int().optional(),
    replicas: z.int().optional(),
    persistence: z.string().optional().describe('"appendonly <fsync>", "snapshots" or "none".'),
    missingRights: z.array(z.string()).optional(),
  })
  .meta({ id: 'NodeFacts' });

export const doctor = operation({
  id: 'product.doctor',
  method: 'GET',
  path: '/v1/doctor',
  summary: 'Examine the lock nodes: what is wrong with them, or will be, and what to do.',
  description: 'The answer is at most 5 s old.',
  right: 'product:read',
  params: none,
  query: none,
  answers: {
    200: {
      description: 'The findings, worst first, and the nodes.',
      schema: z
        .object({
          deployment: z.object({ name: z.string(), parameters: z.string(), quarantine: z.number() }),
          summary: z.object({
            nodes: z.int(),
            voting: z.int(),
            quorum: z.int(),
            spare: z.int().describe('How many more may fail before no lease can be granted.'),
            restartIn: z
              .number()
              .optional()
              .describe('In how many ms a node may be restarted without the loss of a renewed lease.'),
            errors: z.int(),
            warnings: z.int(),
            notes: z.int(),
          }),
          findings: z.array(finding),
          nodes: z.array(nodeFacts),
        })
        .meta({ id: 'Examination' }),
    },
  },
  example: {},
  run: async ({ systems }) => ({ status: 200, body: shown(await systems.examine()) }),
});

function shown({ facts, findings, summary }: Examined): object {
  const { name, parameters, quarantine } = facts.deployment;
  const stopped = findings.filter(({ stopsVotes }) => stopsVotes);
  const isStopped = (node: string): boolean =>
    stopped.some((one) => one.node === undefined || one.node === node);
  return {
    deployment: { name, parameters, quarantine },
    summary,
    findings: findings.map(({ stopsVotes: _, ...rest }) => rest),
    nodes: facts.nodes.map((node) => ({ ...shownNode(node), votes: !isStopped(node.node) })),
  };
}

function shownNode({ node, trouble, server, config, record, clock, latency, rights }: NodeFacts) {
  const votesIn = typeof record === 'object' && record.votesIn > 0 ? record.votesIn : undefined;
  return {
    node,
    ...(votesIn !== undefined && { votesIn }),
    ...(trouble && { trouble: trouble.reason }),
    ...(server && {
      version: server.version,
      memory: { used: server.usedMemory, limit: server.maxMemory },
      clients: server.clients,
      replicas: server.replicas,
      persistence: persistenceOf(server.appendOnly, config),
    }),
    ...(latency?.[0] !== undefined && { latency: latency[0] }),
    ...(clock && { clock: clock.ahead }),
    ...(rights && { missingRights: rights.missing }),
  };
}

function persistenceOf(
  appendOnly: boolean,
  config: { readonly appendFsync: string; readonly save: string } | undefined,
): string | undefined {
  if (appendOnly) return `appendonly ${config?.appendFsync ?? ''}`.trim();
  if (config === undefined) return undefined;
  return config.save === '' ? 'none' : 'snapshots';
}
