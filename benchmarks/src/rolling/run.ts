/**
 * `npm run bench -- rolling`: one lease that renews itself is held for an hour while the nodes are restarted, one at a
 * time, over and over: in order, by a crash, and empty.
 *
 * Guarantees: the next node is restarted when the one before votes again. Another client that asks for the lease
 * meanwhile must be refused; a grant to it, an aborted signal or a validity of zero counts as a loss.
 */
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Lease, type Locks } from '@holdfast/lock';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, number, type Report } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';

const NODES = 5;
const TTL = 10_000;
const RESOURCE = 'held';
const WAYS = ['in order', 'by a crash', 'empty'] as const;
const ASK_EVERY = 500;

export const rolling: Benchmark = {
  about: 'a lease held for an hour over restarts of all nodes, one at a time',
  workloads: ['restarts'],
  open: (call) => new RollingRun(call),
};

interface Outcome {
  readonly minutes: number;
  readonly restarts: number;
  readonly asked: number;
  readonly grantedToOthers: number;
  readonly lost: boolean;
  readonly sameToken: boolean;
  readonly leastValidity: number;
}

class RollingRun implements Run {
  readonly #call: Call;
  #nodes: LocalNodes | undefined;
  #locks: Locks[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, command } = this.#call;
    const environment = { ...describeMachine(), nodes: String(NODES), ttl: `${TTL} ms` };
    this.#nodes = await startNodes(NODES, { args: ['--appendonly', 'yes'] });
    const parameters = quick ? { maxTtl: TTL, window: 500, margin: 500 } : {};
    this.#locks = [0, 1].map(() =>
      createLocks({ nodes: this.#nodes?.urls ?? [], ...parameters, onWarning: () => {} }),
    );
    await this.#locks[0]?.initialize();
    const outcome = await this.#hold(quick ? 0 : 60 * 60_000);
    return reportOf(outcome, environment, command);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#locks.map((locks) => locks.close()));
    await this.#nodes?.stop();
  }

  async #hold(duration: number): Promise<Outcome> {
    const [holder, other] = this.#locks as [Locks, Locks];
    const begin = performance.now();
    return holder.using(RESOURCE, { ttl: TTL }, async (lease) => {
      const { token } = lease;
      const watch = watchLease(lease, other);
      let restarts = 0;
      while (!lease.signal.aborted && (restarts < NODES || performance.now() - begin < duration)) {
        await this.#restart(restarts);
        restarts += 1;
      }
      const seen = await watch.end();
      const minutes = (performance.now() - begin) / 60_000;
      const lost = lease.signal.aborted || seen.leastValidity <= 0;
      return { ...seen, minutes, restarts, lost, sameToken: lease.token === token };
    });
  }

  async #restart(count: number): Promise<void> {
    const node = this.#nodes?.nodes[count % NODES] as LocalNode;
    // Another way for each node from round to round.
    const way = WAYS[(count + Math.floor(count / NODES)) % WAYS.length];
    if (way === 'in order') await node.stop();
    else await node.kill();
    await node.start({ empty: way === 'empty' });
    await this.#voting(node);
    this.#call.progress(`restart ${count + 1}: node ${(count % NODES) + 1}, ${way}, votes again`);
  }

  async #voting(node: LocalNode): Promise<void> {
    const index = this.#nodes?.nodes.indexOf(node) ?? 0;
    for (;;) {
      const state = await this.#locks[1]?.inspect(RESOURCE);
      if (state?.nodes[index]?.state === 'voting') return;
      await pause(200);
    }
  }
}

/** Looks at the validity, and asks for the lease in another's name, until it is told to end. */
function watchLease(lease: Lease, other: Locks) {
  let ended = false;
  let asked = 0;
  let grantedToOthers = 0;
  let leastValidity = Number.POSITIVE_INFINITY;
  const look = setInterval(() => {
    leastValidity = Math.min(leastValidity, lease.remaining());
  }, 10);
  const asking = (async () => {
    while (!ended) {
      const mine = await other.tryAcquire(RESOURCE, { ttl: 1_000 }).catch(() => null);
      asked += 1;
      if (mine) grantedToOthers += 1;
      await pause(ASK_EVERY);
    }
  })();
  return {
    async end() {
      ended = true;
      clearInterval(look);
      await asking;
      return { asked, grantedToOthers, leastValidity };
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function reportOf(outcome: Outcome, environment: Report['environment'], command: string): Report {
  const losses = Number(outcome.lost) + Number(!outcome.sameToken) + outcome.grantedToOthers;
  return {
    title: 'A lease over rolling restarts',
    command,
    environment,
    targets: [never('losses of the lease', spread([losses]))],
    tables: [
      {
        title: 'One lease, renewed automatically',
        about: 'Nodes are restarted one at a time: in order, by SIGKILL with their data, and empty.',
        columns: [
          'held',
          'restarts',
          'requests by another client',
          'of these granted',
          'least validity seen',
        ],
        rows: [
          [
            `${number(outcome.minutes)} min`,
            String(outcome.restarts),
            String(outcome.asked),
            String(outcome.grantedToOthers),
            `${number(outcome.leastValidity)} ms`,
          ],
        ],
      },
    ],
    remarks: [`Peak memory of the client: ${number(process.resourceUsage().maxRSS / 1_024)} MiB.`],
    data: outcome,
  };
}
