/**
 * The command line of the benchmarks: `main <benchmark> [options]`.
 *
 * Guarantees: tables go to standard output, progress to standard error. Exits with 0 when everything was measured,
 * whether or not targets are met; with 1 when measuring failed; with 2 when the arguments are wrong. No server and no
 * child process outlives it, even when it is interrupted.
 */
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.js';
import { dashboard } from './dashboard/run.js';
import { failover } from './failover/run.js';
import { featuresCodec } from './features/codec.js';
import { featuresCutover } from './features/cutover.js';
import { featuresFreshness } from './features/freshness.js';
import { featuresHttp } from './features/http.js';
import { features } from './features/run.js';
import { featuresScale } from './features/scale.js';
import { featuresServed } from './features/served.js';
import { featuresTraining } from './features/training.js';
import { featuresWindows } from './features/windows.js';
import { type Report, toMarkdown, writeReport } from './harness/report.js';
import { lock } from './lock/run.js';
import { mixedLoad } from './mixed-load/run.js';
import { pipeline } from './pipeline/run.js';
import { postgres } from './postgres/run.js';
import { queueCluster } from './queue/cluster.js';
import { queueCodec } from './queue/codec.js';
import { queueFairness } from './queue/fairness.js';
import { queueFanIn } from './queue/fan-in.js';
import { queueIdle } from './queue/idle.js';
import { queueKills } from './queue/kills.js';
import { queuePeers } from './queue/peers/run.js';
import { queue } from './queue/run.js';
import { races } from './races/run.js';
import { rolling } from './rolling/run.js';
import { scenarios } from './scenarios/run.js';
import { server } from './server/run.js';
import { shop } from './shop/run.js';
import { vectorsFilters } from './vectors/filters.js';
import { vectorsKeywords } from './vectors/keywords.js';
import { vectors } from './vectors/run.js';
import { vectorsServer } from './vectors/server.js';
import { vectorsShards } from './vectors/shards.js';
import { vectorsStart } from './vectors/start.js';
import { versus } from './versus/run.js';
import { waiting } from './waiting/run.js';
import { workflow } from './workflow/run.js';
import { zombies } from './zombies/run.js';
import { zones } from './zones/run.js';

/** A benchmark is chosen by its name here. */
const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ...Object.entries({ lock, waiting, failover, rolling, postgres, queue, workflow }),
  ...Object.entries({ scenarios, features, zombies, races }),
  ...Object.entries({ pipeline, server, dashboard, versus, vectors, zones, shop }),
  ['mixed-load', mixedLoad],
  ['queue-codec', queueCodec],
  ['queue-fairness', queueFairness],
  ['queue-fan-in', queueFanIn],
  ['queue-idle', queueIdle],
  ['queue-kills', queueKills],
  ['queue-cluster', queueCluster],
  ['queue-peers', queuePeers],
  ['features-codec', featuresCodec],
  ['features-training', featuresTraining],
  ['features-windows', featuresWindows],
  ['features-freshness', featuresFreshness],
  ['features-http', featuresHttp],
  ['features-cutover', featuresCutover],
  ['features-scale', featuresScale],
  ['features-served', featuresServed],
  ['vectors-filters', vectorsFilters],
  ['vectors-keywords', vectorsKeywords],
  ['vectors-server', vectorsServer],
  ['vectors-shards', vectorsShards],
  ['vectors-start', vectorsStart],
]);

const names = [...BENCHMARKS.keys()];

const HELP = `Usage: npm run bench -- ${names.join('|')} [options]

Measures Holdfast against its peers, in one run on this machine.

${[...BENCHMARKS].map(([name, { about, workloads }]) => `  ${name.padEnd(20)}${about}\n                      workloads: ${workloads.join(', ')}`).join('\n')}

  --rounds N        how many rounds to take the median of; default 5, fewer where a round takes long
  --only A,B        only these workloads of the benchmark; default all
  --size N          features-cutover: how many rows; default 1000000; features-served: how many answers; default 100000; vectors, vectors-filters, vectors-server, vectors-shards: how many; default 50000; vectors-start: how many; default 250000; vectors-keywords: how many texts; default 250000
  --for DURATION    mixed-load: how long each of its workloads goes on, such as 90s or 60m; default 5m
  --against COMMIT  versus: the earlier commit to compare with; default HEAD^
  --json FILE       writes the numbers of every round
  --markdown FILE   writes the tables
  --quick           takes a few seconds, to see that it runs; the numbers mean nothing
  --help            shows this help
`;

const OPTIONS = {
  rounds: { type: 'string' },
  only: { type: 'string' },
  size: { type: 'string' },
  for: { type: 'string' },
  against: { type: 'string', default: 'HEAD^' },
  json: { type: 'string' },
  markdown: { type: 'string' },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Undefined if only help was asked for. */
function readCall(args: string[]) {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) return undefined;
  const [name = '', ...others] = positionals;
  const benchmark = BENCHMARKS.get(name);
  if (benchmark === undefined || others.length > 0) {
    throw new Error(`Name one benchmark to run: ${names.join(', ')}. Got "${positionals.join(' ')}".`);
  }
  const rounds = values.rounds === undefined ? (benchmark.rounds ?? 5) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a whole number, at least 1; got "${values.rounds}".`);
  const size = values.size === undefined ? undefined : Number(values.size);
  if (size !== undefined && !(Number.isInteger(size) && size >= 1))
    throw new Error(`--size must be a whole number, at least 1; got "${values.size}".`);
  const duration = values.for === undefined ? undefined : durationOf(values.for);
  const workloads = values.only?.split(',') ?? benchmark.workloads;
  const unknown = workloads.find((workload) => !benchmark.workloads.includes(workload));
  if (unknown !== undefined)
    throw new Error(
      `--only must name workloads of ${name}: ${benchmark.workloads.join(', ')}. Got "${unknown}".`,
    );
  return { ...values, benchmark, rounds, size, duration, workloads: new Set(workloads) };
}

/** In ms. */
function durationOf(text: string): number {
  const [, count = '', unit] = /^(\d{1,4})([sm])$/.exec(text) ?? [];
  if (Number(count) > 0) return Number(count) * (unit === 's' ? 1_000 : 60_000);
  throw new Error(`--for must be a number of seconds or minutes, such as 90s or 60m; got "${text}".`);
}

/** Adds a remark if the numbers mean nothing. */
function judged(report: Report, quick: boolean): Report {
  const remarks = quick ? ['This was a quick run: its numbers mean nothing.'] : [];
  return { ...report, remarks: [...remarks, ...report.remarks] };
}

async function main(args: string[]): Promise<number> {
  let call: ReturnType<typeof readCall>;
  try {
    call = readCall(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (call === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const begin = performance.now();
  const seconds = (): string => `${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s`;
  const run = call.benchmark.open({
    rounds: call.rounds,
    quick: call.quick,
    workloads: call.workloads,
    size: call.size,
    duration: call.duration,
    against: call.against,
    command: `npm run bench -- ${args.join(' ')}`,
    progress: (message) => process.stderr.write(`${seconds()}  ${message}\n`),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void run.stop().finally(() => process.exit(1)));
  }
  try {
    const report = judged(await run.run(), call.quick);
    process.stdout.write(toMarkdown(report));
    await writeReport(report, call);
    return 0;
  } catch (error) {
    process.stderr.write(`${seconds()}  failed: ${(error as Error).stack}\n`);
    return 1;
  } finally {
    await run.stop();
  }
}

process.exitCode = await main(process.argv.slice(2));
