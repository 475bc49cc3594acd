/**
 * Adding and removing nodes of a running deployment.
 *
 * A change goes in two steps. It is proposed: the nodes accept clients with the old number of nodes and with the new
 * one. When every client has the new list, it is committed: clients with the old number are refused.
 *
 * Guarantees: a change is of one node, and begins only when the one before has ended on every node. So any majority of
 * the old nodes and any of the new ones share a node, and no two clients are ever granted one lease. A node that is
 * removed is retired at once: it votes for nobody, so clients that were forgotten cannot use it against the others when
 * their number of nodes comes back. A change that was interrupted half-way is completed by the same call.
 *
 * Assumed: a removed server does not come back without its data under its old address; it would have forgotten that it
 * is retired.
 */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { type RedisNode, reasonOf } from '@holdfast/redis';
import type { Deployment } from './deployment.js';
import { changeScript } from './verbs.js';

/** A change of the number of nodes. */
export interface NodeChange {
  /** "proposed": clients with the previous number are accepted too. "committed": only those with `nodes` are. */
  readonly state: 'proposed' | 'committed';
  /** How many nodes clients must be configured with from now on. */
  readonly nodes: number;
}

interface Record {
  readonly node: RedisNode;
  readonly runId: string;
  readonly parameters: string;
  readonly also: string;
  /** Whether the record names the server that runs there. */
  readonly current: boolean;
}

export interface ChangeContext {
  readonly deployment: Deployment;
  readonly nodes: readonly RedisNode[];
  readonly timeout: number;
}

/** An order to a node, from which parameters to which. */
type Order = readonly ['read' | 'propose' | 'commit' | 'join' | 'retire', from: string, to: string];

/** Proposes `added`, which is connected, as one more node. */
export async function proposeAdding(context: ChangeContext, added: RedisNode): Promise<NodeChange> {
  const { deployment, nodes } = context;
  const [from, to] = [deployment.parameters, deployment.parametersOf(nodes.length + 1)];
  await requireReady(context, nodes, to);
  const [found] = await askAll(context, [added], ['read', from, to]);
  const twin = nodes.find(({ runId }) => runId === found?.runId);
  if (twin)
    throw new MisuseError(`${added.address} is the same Redis server as ${twin.address}; add another.`);
  if (!['', 'retired', to].includes(found?.parameters ?? '')) {
    throw new MisuseError(
      `${added.address} belongs to a deployment already: its record says "${found?.parameters}". Add an empty server, or delete the key ${deployment.recordKey} there if no client uses it.`,
    );
  }
  await askAll(context, [added], ['join', from, to]);
  await carryOut(context, nodes, ['propose', from, to]);
  return { state: 'proposed', nodes: nodes.length + 1 };
}

/** Proposes to continue without `removed`. If it is `gone` for good, it need not answer. */
export async function proposeRemoving(
  context: ChangeContext,
  removed: RedisNode,
  gone: boolean,
): Promise<NodeChange> {
  const { deployment, nodes } = context;
  if (nodes.length === 1) throw new MisuseError(`${removed.address} is the only node; it cannot be removed.`);
  const [from, to] = [deployment.parameters, deployment.parametersOf(nodes.length - 1)];
  const remaining = nodes.filter((node) => node !== removed);
  await requireReady(context, remaining, to);
  const retired = askAll(context, [removed], ['retire', from, to]);
  if (gone) await retired.catch(() => {});
  else await retired;
  await carryOut(context, remaining, ['propose', from, to]);
  return { state: 'proposed', nodes: remaining.length };
}

/** Ends the change to the nodes that this client has. */
export async function commitChange(context: ChangeContext): Promise<NodeChange> {
  const { deployment, nodes } = context;
  const to = deployment.parameters;
  const records = await askAll(context, nodes, ['read', to, to]);
  const from = records.find(({ also }) => also === to)?.parameters ?? to;
  const foreign = records.find(
    ({ parameters, also }) => !['', from, to].includes(parameters) || !['', to].includes(also),
  );
  if (foreign) throw misfit(foreign, `No change to ${nodes.length} nodes was proposed`);
  const empty = records.filter(({ parameters }) => parameters === '').map(({ node }) => node);
  await askAll(context, empty, ['join', from, to]);
  await carryOut(context, nodes, ['commit', from, to]);
  return { state: 'committed', nodes: nodes.length };
}

/** Every node must answer and be as before, or have been told of this very change. */
async function requireReady(context: ChangeContext, nodes: readonly RedisNode[], to: string): Promise<void> {
  const { parameters } = context.deployment;
  for (const record of await askAll(context, nodes, ['read', parameters, to])) {
    if (record.parameters !== parameters) throw misfit(record, 'The deployment is described otherwise');
    if (record.also !== '' && record.also !== to) {
      throw misfit(record, 'Another change has not ended; commit or abort it first');
    }
    if (!record.current) {
      throw new MisuseError(
        `${record.node.address} has restarted and nobody has used it since; acquire any lease, and try again.`,
      );
    }
  }
}

/** Gives the order to each node, and checks that each has carried it out. */
async function carryOut(context: ChangeContext, nodes: readonly RedisNode[], order: Order): Promise<void> {
  const [doing, from, to] = order;
  const [parameters, also] = doing === 'propose' ? [from, to] : [to, ''];
  for (const record of await askAll(context, nodes, order)) {
    if (record.parameters === parameters && record.also === also) continue;
    throw misfit(record, 'Somebody else is changing the nodes, too; look, and try again');
  }
}

/** Throws UnavailableError unless all answer. */
async function askAll(
  { deployment, timeout }: ChangeContext,
  nodes: readonly RedisNode[],
  [doing, from, to]: Order,
): Promise<readonly Record[]> {
  const args = [doing, from, to, String(deployment.quarantine * 1_000)];
  const answers = await Promise.allSettled(
    nodes.map(async (node): Promise<Record> => {
      const reply = await node.run(changeScript, [deployment.recordKey], args, timeout);
      const [word, runId = '', parameters = '', also = '', current] = Array.isArray(reply)
        ? reply.map(String)
        : [];
      if (word !== 'record') throw new Error('the reply is not one of the script');
      return { node, runId, parameters, also, current: current === '1' };
    }),
  );
  const reasons = answers.map((answer, index) => ({
    node: nodes[index]?.address ?? '',
    reason: answer.status === 'rejected' ? reasonOf(answer.reason) : 'answered',
  }));
  if (answers.some(({ status }) => status === 'rejected')) {
    throw new UnavailableError(
      'Every node must answer, to change their number; remove one that is gone for good. The same call may be repeated.',
      reasons,
    );
  }
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

function misfit({ node, parameters, also }: Record, what: string): MisuseError {
  const says = also === '' ? `"${parameters}"` : `"${parameters}", and also "${also}"`;
  return new MisuseError(`${what}. The deployment record of ${node.address} says ${says}.`);
}
