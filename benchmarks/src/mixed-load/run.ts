/**
 * `npm run bench -- mixed-load`: leases, tasks, runs, features and documents over HTTP, all at once, while the replicas of the
 * server, the lock nodes and the data Redis are restarted, one after the other. What was acknowledged is compared with what is
 * there, while it runs and in the end; every status of HTTP is counted.
 *
 * Guarantees: what the verdict calls lost was acknowledged, and is not explained by a loss of power that was caused on purpose.
 */
import { createClient } from '@holdfast/client';
import { seededRandom } from '@holdfast/kernel';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { pause } from './attempts.js';
import { Balancer } from './balancer.js';
import { type Fsync, MixedDeployment } from './deployment.js';
import { Disturbances } from './disturbances.js';
import { type Outcome, reportOf } from './report.js';
import { DocumentTraffic } from './traffic/documents.js';
import { LeaseTraffic } from './traffic/leases.js';
import { RowTraffic } from './traffic/rows.js';
import { RunTraffic } from './traffic/runs.js';
import { TaskTraffic } from './traffic/tasks.js';
import type { Complaint, Stage, Traffic } from './traffic/traffic.js';

const SEED = 20;
const DEFAULT_FOR = 5 * 60_000;
const QUICK_FOR = 10_000;

export const mixedLoad: Benchmark = {
  about:
    'all systems over HTTP while replicas, nodes and the data Redis are restarted: what is lost, and each status',
  workloads: ['always', 'everysec'],
  rounds: 1,
  open: (call) => new MixedRun(call),
};

class MixedRun implements Run {
  readonly #call: Call;
  #deployment: MixedDeployment | undefined;
  #balancer = new Balancer();

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, duration, workloads, command } = this.#call;
    const environment = describeMachine();
    const outcomes: Outcome[] = [];
    const each = quick ? QUICK_FOR : (duration ?? DEFAULT_FOR);
    for (const fsync of ['always', 'everysec'] as const) {
      if (!workloads.has(fsync)) continue;
      outcomes.push(await this.#play(fsync, each));
      await this.stop();
    }
    return reportOf(outcomes, environment, command);
  }

  async stop(): Promise<void> {
    await this.#balancer.close();
    await this.#deployment?.stop();
    this.#deployment = undefined;
  }

  async #play(fsync: Fsync, duration: number): Promise<Outcome> {
    const { progress } = this.#call;
    const deployment = await MixedDeployment.start(fsync);
    this.#deployment = deployment;
    const balancer = new Balancer();
    this.#balancer = balancer;
    balancer.watch(deployment.replicas.map(({ url }) => url));
    const complaints: (Complaint & { readonly of: string })[] = [];
    const ending = new AbortController();
    const { unit } = seededRandom(SEED);
    const disturbances = new Disturbances(deployment, fsync, progress);
    const traffic = trafficOf((of) => ({
      client: createClient({ url: 'http://replicas', key: deployment.key, fetch: balancer.fetch }),
      ...{ redis: deployment.data.url, unit, ending: ending.signal },
      phase: () => disturbances.phase,
      complain: (complaint) => {
        if (complaints.some((known) => known.of === of && known.what === complaint.what)) return;
        progress(`${of}: ${complaint.what}`);
        complaints.push({ ...complaint, of });
      },
    }));
    for (const kind of traffic) await kind.open();
    progress(`appendfsync ${fsync}: the traffic begins`);
    const began = performance.now();
    const running = Promise.all(traffic.map((kind) => kind.run()));
    const disturbing = disturbances.run(ending.signal);
    await Promise.race([running, disturbing, pause(duration)]);
    ending.abort();
    await Promise.all([running, disturbing]);
    const took = performance.now() - began;
    progress('the traffic has ended; what was acknowledged is looked up');
    const counted = new Map<string, Readonly<Record<string, number>>>();
    for (const kind of traffic) counted.set(kind.name, await kind.judge());
    const errors = deployment.replicas.flatMap((replica) => replica.errors);
    for (const line of errors) progress(line);
    const starts = deployment.replicas.flatMap((replica) => replica.starts);
    return { fsync, took, counted, complaints, disturbances, balancer, starts };
  }
}

const trafficOf = (stageOf: (name: string) => Stage): readonly Traffic[] => [
  new LeaseTraffic(stageOf('leases')),
  new TaskTraffic(stageOf('tasks')),
  new RunTraffic(stageOf('runs')),
  new RowTraffic(stageOf('features')),
  new DocumentTraffic(stageOf('documents')),
];
