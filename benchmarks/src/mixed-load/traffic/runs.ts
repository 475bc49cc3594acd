/**
 * Runs of a workflow: started over HTTP, told something, and waited for.
 *
 * Complains about a run whose start or message was acknowledged and that does not end, or ends with another result.
 */
import { insist, isStatus, pause } from '../attempts.js';
import type { Stage, Traffic } from './traffic.js';

const WORKFLOW = 'twice';
const EVERY = 250;
const AT_ONCE = 16;
/** Of the last runs, in ms. */
const WAIT = 25_000;

/** When each was acknowledged. */
interface Started {
  readonly started: number;
  sent?: number;
}

export class RunTraffic implements Traffic {
  readonly name = 'runs';
  readonly #stage: Stage;
  readonly #runs = new Map<number, Started>();
  readonly #sending = new Set<Promise<void>>();
  #next = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {}

  async run(): Promise<void> {
    const { client, ending } = this.#stage;
    while (!ending.aborted) {
      const n = this.#next;
      this.#next += 1;
      await insist(() => client.workflows.start(WORKFLOW, { id: `r${n}`, input: { n } }));
      const run: Started = { started: performance.now() };
      this.#runs.set(n, run);
      const sending = this.#tell(n, run).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
      await pause(EVERY);
    }
    await Promise.all(this.#sending);
  }

  async judge(): Promise<Readonly<Record<string, number>>> {
    const left = [...this.#runs];
    const one = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await this.#look(...next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    const sent = [...this.#runs.values()].filter((run) => run.sent !== undefined).length;
    return { started: this.#runs.size, 'messages sent': sent };
  }

  async #tell(n: number, run: Started): Promise<void> {
    const { client, complain } = this.#stage;
    const options = { idempotencyKey: `m${n}` };
    try {
      await insist(() => client.workflows.send(WORKFLOW, `r${n}`, 'more', { payload: n }, {}, options));
      run.sent = performance.now();
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      complain({ what: `run ${n} was started, and is gone`, acknowledged: run.started });
    }
  }

  async #look(n: number, { started, sent }: Started): Promise<void> {
    const { client, complain } = this.#stage;
    try {
      const found = await insist(() => client.workflows.get(WORKFLOW, `r${n}`, { wait: WAIT }));
      const { status, result } = found;
      if (status === 'completed' && result === 3 * n) return;
      const what = `run ${n} is ${status}${status === 'completed' ? ` with ${JSON.stringify(result)}` : ''}`;
      complain({ what, acknowledged: Math.max(started, sent ?? 0) });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      complain({ what: `run ${n} was started, and is gone`, acknowledged: started });
    }
  }
}
