/**
 * From settings to a deployment: the `Locks` that a command works with.
 *
 * Guarantees: nothing connects here. No nodes is a UsageError that says how to give them.
 */
import { createLocks, type DeploymentOptions, type Locks } from '@holdfast/lock';
import { type Arguments, given } from './arguments.js';
import type { Context } from './context.js';
import {
  ALLOW_EVEN,
  CALL_TIMEOUT,
  DEPLOYMENT,
  JSON_OUTPUT,
  MARGIN,
  MAX_TTL,
  NODES,
  PERSISTENCE,
  PREFIX,
  REPLICAS,
  RETENTION,
  WINDOW,
} from './options.js';

/** The locks of the deployment that the settings name. The caller closes them. */
export function openLocks(args: Arguments, context: Context, { anyNumber = false } = {}): Locks {
  const nodes = nodesOf(args);
  const allowEven = anyNumber || args.has(ALLOW_EVEN);
  if (nodes.length % 2 === 0 && !allowEven) {
    throw args.wrong(
      `${nodes.length} nodes tolerate no more failures than ${nodes.length - 1}: give an odd number, or say --allow-even`,
    );
  }
  return createLocks({
    nodes,
    allowEven,
    ...given({ callTimeout: args.duration(CALL_TIMEOUT) }),
    ...parametersOf(args),
    onWarning: (message) => warn(args, context, message),
  });
}

/** The addresses of the nodes, however many. */
export function nodesOf(args: Arguments): readonly string[] {
  const nodes = args.addresses(NODES);
  if (nodes !== undefined) return nodes;
  throw args.wrong(
    'no nodes: give --nodes redis://host:port,… or set HOLDFAST_NODES; "holdfast up" starts some on this machine',
  );
}

/** The deployment's parameters that the settings name; the others keep their defaults. */
export function parametersOf(args: Arguments): DeploymentOptions {
  return given({
    deployment: args.text(DEPLOYMENT),
    prefix: args.text(PREFIX),
    maxTtl: args.duration(MAX_TTL),
    window: args.duration(WINDOW),
    retention: args.duration(RETENTION),
    margin: args.duration(MARGIN),
    // Any other word is refused by createLocks, with the two that exist.
    persistence: args.text(PERSISTENCE) as DeploymentOptions['persistence'],
    replicas: args.count(REPLICAS, 0, 10),
  });
}

/** A warning on stderr, in the form of the errors. */
export function warn(args: Arguments, { stderr }: Context, message: string): void {
  const json = JSON.stringify({ code: 'HOLDFAST_WARNING', message });
  stderr.write(args.has(JSON_OUTPUT) ? `${json}\n` : `holdfast: warning: ${message}\n`);
}
