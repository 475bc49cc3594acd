/**
 * The command line of the benchmarks: `main <benchmark> [options]`.
 *
 * Guarantees: tables go to standard output, progress to standard error. Ends with 0 when everything was measured,
 * whether or not targets are met; with 1 when measuring failed; with 2 when the call is wrong. No server and no child
 * process outlives it, also when it is interrupted.
 */
import { parseArgs } from 'node:util';
import { planOf } from './lock/plan.js';
import { LockBenchmark, WORKLOADS } from './lock/run.js';
import { toMarkdown, writeReport } from './report.js';

const HELP = `Usage: npm run bench -- lock [options]

Measures Holdfast against its peers, in one run on this machine.

  --rounds N        rounds, of which the median is taken; default 5
  --only A,B        workloads: ${WORKLOADS.join(', ')}; default all
  --json FILE       writes every round's numbers
  --markdown FILE   writes the tables
  --quick           a few seconds, to see that it runs; the numbers mean nothing
  --help            shows this
`;

const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  only: { type: 'string', default: WORKLOADS.join(',') },
  json: { type: 'string' },
  markdown: { type: 'string' },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function readCall(args: string[]) {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const rounds = Number(values.rounds);
  const workloads = values.only.split(',');
  const unknown = workloads.find((workload) => !WORKLOADS.some((known) => known === workload));
  if (!values.help && (positionals.length !== 1 || positionals[0] !== 'lock')) {
    throw new Error(`Say which benchmark to run: lock. Got "${positionals.join(' ')}".`);
  }
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is a whole number from 1; got ${values.rounds}.`);
  if (unknown !== undefined) throw new Error(`--only knows ${WORKLOADS.join(', ')}; got ${unknown}.`);
  return { ...values, workloads: new Set(workloads), plan: planOf(rounds, values.quick) };
}

async function main(args: string[]): Promise<number> {
  let call: ReturnType<typeof readCall>;
  try {
    call = readCall(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (call.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const begin = performance.now();
  const seconds = (): string => `${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s`;
  const benchmark = new LockBenchmark({
    plan: call.plan,
    workloads: call.workloads,
    command: `npm run bench -- ${args.join(' ')}`,
    progress: (message) => process.stderr.write(`${seconds()}  ${message}\n`),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void benchmark.stop().finally(() => process.exit(1)));
  }
  try {
    const report = await benchmark.run();
    process.stdout.write(toMarkdown(report));
    await writeReport(report, call);
    return 0;
  } catch (error) {
    process.stderr.write(`${seconds()}  failed: ${(error as Error).stack}\n`);
    return 1;
  } finally {
    await benchmark.stop();
  }
}

process.exitCode = await main(process.argv.slice(2));
