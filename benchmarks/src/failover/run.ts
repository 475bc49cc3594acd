/**
 * `npm run bench -- failover`: how long nobody leads after the leader's process was killed (SIGKILL), with a standby
 * that campaigns.
 *
 * Guarantees: the leader is killed at a moment of its renewals that nobody chose. The time is counted from before the
 * kill until the standby's `campaign` resolves.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, number, type Report } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';

const NODES = 5;
const TTL = 2_000;
const ELECTIONS = 20;
/** Above the TTL, in ms. */
const WANTED = 200;
const LEADER = fileURLToPath(new URL('leader-process.js', import.meta.url));

export const failover: Benchmark = {
  about: 'the time without a leader after the leader is killed',
  workloads: ['kill'],
  open: (call) => new FailoverRun(call),
};

class FailoverRun implements Run {
  readonly #call: Call;
  #nodes: LocalNodes | undefined;
  #standby: Locks | undefined;
  #leader: ChildProcess | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, command, progress } = this.#call;
    const environment = { ...describeMachine(), nodes: String(NODES), ttl: `${TTL} ms` };
    this.#nodes = await startNodes(NODES);
    this.#standby = createLocks({ nodes: this.#nodes.urls });
    await this.#standby.initialize();
    const kills = quick ? 1 : rounds * 2;
    const samples: number[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      samples.push(...(await this.#takeOver()));
      progress(`kill ${kill} of ${kills}: median ${number(quantile(samples, 0.5))} ms`);
    }
    return reportOf(samples, environment, command);
  }

  async stop(): Promise<void> {
    this.#leader?.kill('SIGKILL');
    await this.#standby?.close();
    await this.#nodes?.stop();
  }

  /** One leader is killed; resolves to how long each of its elections had none, in ms. */
  async #takeOver(): Promise<number[]> {
    const leader = fork(LEADER, [String(ELECTIONS), String(TTL), ...(this.#nodes?.urls ?? [])]);
    this.#leader = leader;
    await once(leader, 'message');
    const elections = Array.from({ length: ELECTIONS }, (_, index) =>
      (this.#standby as Locks).election(`election:${index}`, { ttl: TTL }),
    );
    let killed = 0;
    const taken = Promise.all(
      elections.map(async (election) => {
        await election.campaign();
        return performance.now() - killed;
      }),
    );
    // A part of a renewal's period that differs from kill to kill.
    await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * TTL));
    killed = performance.now();
    leader.kill('SIGKILL');
    const samples = await taken;
    await Promise.all(elections.map((election) => election.resign()));
    return samples;
  }
}

function reportOf(samples: readonly number[], environment: Report['environment'], command: string): Report {
  const p99 = quantile(samples, 0.99);
  const wanted = (TTL + WANTED) / TTL;
  return {
    title: 'Take-over of leadership',
    command,
    environment,
    targets: [
      {
        ...atMost('time without a leader after SIGKILL, p99, in TTLs', spread([p99 / TTL]), wanted),
        wanted: `≤ ${wanted.toFixed(2)} (TTL + ${WANTED} ms)`,
      },
    ],
    tables: [
      {
        title: 'Time without a leader',
        about: `From the kill until the standby leads; TTL ${TTL} ms, renewed after every third of it. Less is better.`,
        columns: ['take-overs', 'median', 'p90', 'p99', 'longest'],
        rows: [
          [String(samples.length), ...[0.5, 0.9, 0.99, 1].map((q) => `${number(quantile(samples, q))} ms`)],
        ],
      },
    ],
    remarks: [`Peak memory of the standby: ${number(process.resourceUsage().maxRSS / 1_024)} MiB.`],
    data: samples,
  };
}
