/**
 * `holdfast inspect`: who holds a resource, under which token, and what each node says.
 *
 * Guarantees: changes nothing. It says "free" only if no majority can hold the resource, whatever the nodes that did
 * not answer would say. Without a majority of answers, those that came are still shown, and the exit code is that of
 * unavailable.
 */

import { formatDuration } from '@holdfast/kernel';
import { type LockState, type NodeState, UnavailableError } from '@holdfast/lock';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { DESCRIPTION, JSON_OUTPUT, NODE_OPTIONS, SERVED } from '../options.js';
import { throughServer } from '../served/server.js';
import { renderTable } from '../table.js';

export const inspect: Command = {
  name: 'inspect',
  summary: 'Show the holder of a resource, and the view of each node.',
  operands: [{ name: 'name', about: 'the name of the resource' }],
  about: `Shows whether a lease on the resource exists, who holds it, its fencing token,
how long it lasts if nobody renews it, and the state of every node. Changes
nothing. A server shows what the nodes say to keys with the right product:read.`,
  options: [JSON_OUTPUT, ...NODE_OPTIONS, ...SERVED],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'a majority of the nodes answered, whether the resource is held or not'],
    ['64', 'the command line or the configuration is wrong'],
    ['69', 'fewer than a majority of the nodes answered'],
  ],
  example: 'holdfast inspect nightly-report --json',

  async run(args, context) {
    const [resource = ''] = args.operands;
    const state =
      args.server === undefined
        ? await inspected(args, context, resource)
        : await throughServer(
            args,
            context,
            async ({ locks }) => (await locks.inspect(resource)) as LockState,
          );
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(state) : describe(state)}\n`);
    const answered = state.nodes.filter((node) => !isSilent(node)).length;
    if (answered < quorumOf(state)) {
      // Which nodes did not, and why, has been written above.
      const count = `${answered} of ${state.nodes.length} nodes answered`;
      throw new UnavailableError(`${count}: too few to know who holds "${resource}".`, []);
    }
    return EXIT.ok;
  },
};

async function inspected(args: Arguments, context: Context, resource: string): Promise<LockState> {
  await using locks = openLocks(args, context);
  return await locks.inspect(resource);
}

function describe(state: LockState): string {
  const head = [`resource   ${state.resource}`, `lease      ${verdict(state)}`];
  if (state.held) {
    head.push(`token      ${state.token}`, `owner      ${state.owner}`);
    head.push(`remaining  ${formatDuration(state.remaining ?? 0)}`);
  }
  if (state.waiting > 0)
    head.push(`waiting    ${state.waiting} ${state.waiting === 1 ? 'process' : 'processes'}`);
  const columns = ['node', 'state', 'token', 'remaining', 'fence', 'owner'];
  const reasons = state.nodes.flatMap(({ node, reason }) => (reason ? `${node}: ${reason}` : []));
  return [...head, '', renderTable([columns, ...state.nodes.map(row)]), ...reasons].join('\n');
}

/** Whether the resource is held, as far as the answers can tell. */
function verdict(state: LockState): string {
  if (state.held) return 'held';
  const holders = new Map<string, number>();
  for (const { owner, token } of state.nodes) {
    if (owner === undefined) continue;
    const holder = `${owner} (token ${token})`;
    holders.set(holder, (holders.get(holder) ?? 0) + 1);
  }
  const silent = state.nodes.filter(isSilent).length;
  for (const [holder, nodes] of holders) {
    if (nodes + silent < quorumOf(state)) continue;
    return `perhaps held by ${holder}: ${nodes} of ${state.nodes.length} nodes say so, ${silent} did not answer`;
  }
  return silent < quorumOf(state) ? 'free' : 'unknown';
}

function row({ node, state, token, remaining, fence, owner }: NodeState): readonly string[] {
  const time = remaining === undefined ? undefined : formatDuration(remaining);
  return [node, state, ...[token, time, fence, owner].map((cell) => String(cell ?? '-'))];
}

function isSilent({ state }: NodeState): boolean {
  return state === 'unreachable';
}

function quorumOf({ nodes }: LockState): number {
  return Math.floor(nodes.length / 2) + 1;
}
