/**
 * `npm run bench -- shop`: the shop of the examples at 50 orders a second for ten minutes, while its workers freeze and are killed
 * and its nodes come back empty: what is lost or charged twice, what is refused, and how long an order takes.
 *
 * Guarantees: the shop is the one that `npm start` shows, started as a process; its own verdict counts. Without a verdict there
 * is no report, but an error with what it said.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';

const SHOP = fileURLToPath(new URL('../../../examples/dist/shop/main.js', import.meta.url));

export const shop: Benchmark = {
  about: 'the shop of npm start under faults for ten minutes: charged twice, lost, refused, p99 of an order',
  workloads: ['faults'],
  rounds: 1,
  open: (call) => new ShopRun(call),
};

interface Plan {
  readonly duration: string;
  readonly rate: number;
}

/** What the shop says at its end, in the order in which it says it. */
const SAID =
  /faults: workers froze (\d+), killed (\d+); nodes emptied (\d+)\nan order took (\d+) ms \(p50\), (\d+) ms \(p99\)[\s\S]*orders (\d+), charged twice (\d+), lost (\d+), stale writes refused (\d+)/;
const NAMES = [
  'frozen',
  'killed',
  'emptied',
  'p50',
  'p99',
  'orders',
  'chargedTwice',
  'lost',
  'refused',
] as const;
/** `failed`: how many checks of its verdict do not hold. */
type Outcome = Readonly<Record<(typeof NAMES)[number] | 'failed', number>>;

class ShopRun implements Run {
  readonly #call: Call;
  #process: ChildProcess | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, command } = this.#call;
    const plan = quick ? { duration: '15s', rate: 10 } : { duration: '10m', rate: 50 };
    const environment = { ...describeMachine(), rate: `${plan.rate} orders a second for ${plan.duration}` };
    return reportOf(await this.#play(plan), environment, command);
  }

  async stop(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.kill('SIGTERM'); // it ends what it has started
    await once(process, 'exit');
  }

  async #play({ duration, rate }: Plan): Promise<Outcome> {
    const seed = process.env['SEED'];
    const args = ['--for', duration, '--rate', String(rate), '--port', '0', '--plain'];
    if (seed) args.push('--seed', seed);
    const child = spawn(process.execPath, [SHOP, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const line of text.split('\n')) if (/ ! |seed/.test(line)) this.#call.progress(line.trim());
    });
    await once(child, 'close');
    const found = SAID.exec(output);
    if (found === null) throw new Error(`The shop gave no verdict:\n${output.slice(-2_000)}`);
    const figures = NAMES.map((name, at) => [name, Number(found[at + 1])]);
    return { ...Object.fromEntries(figures), failed: output.match(/^ {2}FAIL/gm)?.length ?? 0 };
  }
}

function reportOf(outcome: Outcome, environment: Report['environment'], command: string): Report {
  const { frozen, killed, emptied, p50, p99, orders, chargedTwice, lost, refused, failed } = outcome;
  return {
    title: 'The shop under faults',
    ...{ command, environment, data: outcome },
    targets: [
      never('orders charged twice', spread([chargedTwice])),
      never('orders lost', spread([lost])),
      never('checks of its verdict that do not hold', spread([failed])),
      { name: 'stale writes refused', wanted: '≥ 1', measured: spread([refused]), met: refused > 0 },
    ],
    tables: [
      {
        title: 'Orders',
        about:
          'From the click to the answer: the fraud check with its model (100 ms), the charge, the picture enqueued.',
        columns: ['orders', 'charged twice', 'lost', 'p50, ms', 'p99, ms'],
        rows: [[orders, chargedTwice, lost, p50, p99].map(String)],
      },
      {
        title: 'Faults',
        about:
          'A worker froze after it had sealed an account, until another had charged the order; others were killed there.',
        columns: ['workers frozen', 'workers killed', 'nodes emptied', 'stale writes refused'],
        rows: [[frozen, killed, emptied, refused].map(String)],
      },
    ],
    remarks: [
      'All processes share this machine: five lock nodes, a Redis, three workers, the shop, its customers. An order that a frozen or killed worker had waits for 2 s until another has it.',
    ],
  };
}
