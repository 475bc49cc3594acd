/**
 * `holdfast doctor`: reports what is wrong with the nodes of a deployment, or will cause problems, and what to do.
 *
 * Guarantees: changes nothing on the nodes. A node that cannot be reached is a finding, and does not keep it from
 * looking at the others. The report is written whatever it says; the exit code tells a script how bad it is.
 */
import { Deployment, UnavailableError } from '@holdfast/lock';
import { collect, type Diagnosis, judge } from '@holdfast/lock/doctor';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { nodesOf, parametersOf } from '../deployment.js';
import { render } from '../doctor-report.js';
import { EXIT, ExitError } from '../exit-codes.js';
import {
  ALLOW_EVEN,
  CALL_TIMEOUT,
  DESCRIPTION,
  JSON_OUTPUT,
  NODE_OPTIONS,
  SERVED,
  STRICT,
} from '../options.js';
import { throughServer } from '../served/server.js';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check the nodes, and say what to do about each problem.',
  operands: [],
  about: `Looks at every node: whether it can be reached and can vote, its settings, its
memory, its clock, the rights of its user, the deployment record; and at the
nodes together. Says what hurts, worst first, and how many more may fail.
Changes nothing. An error makes leases fail or unsafe; a warning will, if
something else happens; a note is good to know.

Run it with the options, the user and the machine of your programs. A server
looks from where it is; what it says is at most 5 s old.`,
  options: [STRICT, JSON_OUTPUT, ...NODE_OPTIONS, ...SERVED],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'nothing worse than a warning; with --strict, than a note'],
    ['1', 'an error was found, or with --strict a warning; a majority can vote'],
    ['64', 'the command line is wrong'],
    ['69', 'fewer than a majority of the nodes can vote now'],
  ],
  example: 'holdfast doctor --nodes redis://a:6379,redis://b:6379,redis://c:6379',

  async run(args, context) {
    const { diagnosis, json } = await (args.server === undefined
      ? examine(args, context)
      : asked(args, context));
    const { summary } = diagnosis;
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : render(diagnosis)}\n`);
    if (summary.voting < summary.quorum) {
      // Which nodes cannot, and why, has been written above.
      throw new UnavailableError(`${summary.voting} of ${summary.nodes} nodes can vote now: too few.`, []);
    }
    if (summary.errors > 0 || (args.has(STRICT) && summary.warnings > 0)) {
      const found = summary.errors > 0 ? 'errors' : 'warnings';
      throw new ExitError(`${found} were found.`, { exitCode: EXIT.findings, code: 'HOLDFAST_FINDINGS' });
    }
    return EXIT.ok;
  },
};

interface Examined {
  readonly diagnosis: Diagnosis;
  readonly json: object;
}

async function examine(args: Arguments, { clock }: Context): Promise<Examined> {
  const addresses = nodesOf(args);
  const deployment = new Deployment(addresses.length, parametersOf(args));
  const callTimeout = args.duration(CALL_TIMEOUT) ?? 1_000;
  if (callTimeout < 1) throw args.wrong('--call-timeout is at least 1ms');
  const allowEven = args.has(ALLOW_EVEN);
  const facts = await collect({ addresses, deployment, callTimeout, clock, allowEven });
  const diagnosis = judge(facts);
  return { diagnosis, json: { facts, ...diagnosis } };
}

/** What the server finds, from where it is and with its user. */
async function asked(args: Arguments, context: Context): Promise<Examined> {
  const found = await throughServer(args, context, ({ product }) => product.doctor());
  const { deployment, nodes, findings, summary } = found;
  const diagnosis = { findings, summary } as unknown as Diagnosis;
  return { diagnosis, json: { facts: { deployment, nodes }, ...diagnosis } };
}
