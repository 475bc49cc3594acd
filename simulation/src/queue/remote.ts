/**
 * A program that holds no connection to Redis: it claims tasks, works on them, extends its leases, and ends what it has, or
 * hands it back. Where the process dies that it asks, it goes on with the next one.
 *
 * Guarantees: it uses what a server uses for such programs. It relies on a delivery for as long as a server says, and no
 * longer, unless the plan says that its handlers go on.
 */
import type { Queue } from '@holdfast/queue';
import type { openRemote, Remote, RemoteClaim, RemoteDelivery } from '@holdfast/queue/remote';
import type { Machine } from '../world/machine.js';
import type { Begun, QueueOracle } from './oracle.js';
import type { RemotePlan, WorkPlan } from './plan.js';

type Data = { readonly name: string };

export interface RemoteProgramOptions {
  readonly openRemote: typeof openRemote;
  readonly queue: Queue<Data, Data>;
  readonly plan: RemotePlan;
  readonly machine: Machine;
  readonly oracle: QueueOracle;
  /** What it has and has not ended, of this process and of those before it. */
  readonly handles: Set<RemoteDelivery>;
  readonly work: (name: string) => WorkPlan;
  /** Told of every error. */
  readonly judge: (error: unknown) => void;
}

/** Of a lease, for clocks that run apart, as the server has it. */
const RELIABLE = 0.99;
/** How often a claim or an end is repeated whose answer was lost. */
const REPEATED = 20;
/** Between two calls that were not answered, in ms. */
const REST = 20;

const nameOf = ({ data }: RemoteDelivery): string => (data as Data).name;
const resultOf = (delivery: RemoteDelivery): object => ({ name: nameOf(delivery), token: delivery.token });

export class RemoteProgram {
  readonly #options: RemoteProgramOptions;
  readonly #remote: Remote;
  readonly #stopping = new AbortController();
  readonly #left: readonly RemoteDelivery[];
  #claims = 0;
  #running: Promise<unknown>;

  constructor(options: RemoteProgramOptions, { claims }: { readonly claims: boolean }) {
    this.#options = options;
    const { openRemote, queue, handles, judge } = options;
    this.#remote = openRemote(queue, { onError: judge });
    this.#left = [...handles];
    this.#running = Promise.all([this.#endWhatIsLeft(), ...(claims ? [this.#run()] : [])]);
  }

  /** Claims no more; resolves when all that it has is ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#remote.close();
  }

  /** Of a process that has died: who has worked on these does not know. */
  async #endWhatIsLeft(): Promise<void> {
    for (const delivery of this.#left)
      await this.#end(delivery, () => this.#remote.complete(delivery.ref, resultOf(delivery)));
  }

  async #run(): Promise<void> {
    const { machine, plan } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#claims += 1;
      const session = `${machine.name}.remote${this.#claims}-${machine.random.id()}`;
      const claim = await this.#repeat(() =>
        this.#remote.claim({ session, ...plan, signal: this.#stopping.signal }),
      );
      if (claim === undefined) await this.#sleep(REST);
      else if (plan.returns > 0 && this.#claims % plan.returns === 0)
        await this.#repeat(() => this.#remote.handBack({ session, lease: plan.lease }));
      else await this.#handleAll(claim);
    }
  }

  async #handleAll(claim: RemoteClaim): Promise<void> {
    const lease = new Lease(this.#options.machine, claim.since + RELIABLE * this.#options.plan.lease);
    for (const delivery of claim.deliveries) this.#options.handles.add(delivery);
    await Promise.all(claim.deliveries.map((delivery) => this.#handle(delivery, lease)));
    lease.end();
  }

  async #handle(delivery: RemoteDelivery, lease: Lease): Promise<void> {
    const { oracle, machine, work } = this.#options;
    const { id, key, token, attempt, ref } = delivery;
    const { takes, steps, fails, fatal, heedless, progress } = work(nameOf(delivery));
    // Its work is over before it says so.
    const task: Begun = { id, key, token, data: { name: nameOf(delivery) }, signal: lease.signal, lease };
    oracle.begins(task, machine);
    try {
      for (let step = 0; step < steps; step += 1) {
        if (takes > 0) await this.#sleep(takes / steps);
        if (!heedless && lease.signal.aborted) return;
        if (progress) await this.#tell(delivery, lease, step);
      }
    } finally {
      oracle.ends(task);
    }
    const hasFailed = fatal || attempt <= fails;
    await this.#end(delivery, () =>
      hasFailed
        ? this.#remote.fail(ref, new Error('planned'), { retry: !fatal })
        : this.#remote.complete(ref, resultOf(delivery)),
    );
  }

  /** Its progress, a line of its log, and that it goes on. */
  async #tell({ ref }: RemoteDelivery, lease: Lease, step: number): Promise<void> {
    const { judge, plan } = this.#options;
    await this.#remote.progress(ref, step).catch(judge);
    await this.#remote.log(ref, `step ${step}`).catch(judge);
    await this.#remote.extend(ref).then(({ since }) => lease.extend(since + RELIABLE * plan.lease), judge);
  }

  async #end(delivery: RemoteDelivery, end: () => Promise<unknown>): Promise<void> {
    await this.#repeat(end);
    this.#options.handles.delete(delivery);
  }

  /** Undefined if it was not answered, or refused. */
  async #repeat<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let turn = 0; turn < REPEATED; turn += 1) {
      try {
        return await call();
      } catch (error) {
        this.#options.judge(error);
        if (!(error instanceof Error && 'code' in error && error.code === 'HOLDFAST_UNAVAILABLE')) break;
        await this.#sleep(REST);
      }
    }
    return undefined;
  }

  #sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.machine.clock.after(duration, resolve);
    });
  }
}

/** What a program relies on: until when, and a signal that aborts then. */
class Lease {
  readonly #machine: Machine;
  readonly #controller = new AbortController();
  #until: number;
  #timer: { cancel(): void } | undefined;

  constructor(machine: Machine, until: number) {
    this.#machine = machine;
    this.#until = until;
    this.#wait();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  remaining(): number {
    return this.#controller.signal.aborted ? 0 : Math.max(0, this.#until - this.#machine.clock.now());
  }

  extend(until: number): void {
    this.#until = Math.max(this.#until, until);
    this.#wait();
  }

  end(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer?.cancel();
    const left = this.remaining();
    if (left === 0) this.#controller.abort();
    else this.#timer = this.#machine.clock.after(left, () => this.#wait());
  }
}
