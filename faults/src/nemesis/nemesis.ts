/**
 * Carries out a schedule on the servers, links and clients of an episode, and writes down what it did and when.
 *
 * Guarantees: when `run` has resolved, every fault is over: nodes run and are thawed, links pass, clients go on. A
 * fault that could not be injected or ended is an error of the harness, and `run` rejects.
 */
import { pause, systemClock } from '@holdfast/kernel';
import type { LocalNode } from '@holdfast/local';
import type { Deployed } from '../deployment/deployment.js';
import type { Link, LinkState } from '../proxy/link.js';
import { monotonic } from '../traffic/recorder.js';
import { command } from './command.js';
import { fillDisk, rememberLog } from './disk.js';
import type { Fault, LinkFault, PlannedFault } from './fault.js';

/** The clients, by their numbers, whatever process stands for them. */
export interface Clients {
  freeze(client: number): void;
  thaw(client: number): void;
  kill(client: number): void;
  replace(client: number): Promise<void>;
}

export interface Theatre
  extends Pick<
    Deployed,
    'nodes' | 'watchers' | 'ledger' | 'links' | 'inside' | 'ledgerLinks' | 'clocks' | 'failover'
  > {
  readonly clients: Clients;
  /** Writes one line of the log of faults. */
  readonly log: (line: object) => void;
}

const LINK_STATES: Record<Exclude<LinkFault, 'cut'>, LinkState> = {
  slow: { toServer: { delay: 150 }, toClient: { delay: 150 } },
  throttled: { toServer: { rate: 2_000 }, toClient: { rate: 2_000 } },
  held: { toServer: { blocked: 'held' }, toClient: { blocked: 'held' } },
  dropped: { toServer: { blocked: 'dropped' }, toClient: { blocked: 'dropped' } },
  'held-to-server': { toServer: { blocked: 'held' } },
  'held-to-client': { toClient: { blocked: 'held' } },
  'dropped-to-client': { toClient: { blocked: 'dropped' } },
  refused: { refused: true },
};

export class Nemesis {
  readonly #theatre: Theatre;
  readonly #injected = new Map<string, number>();
  /** The last start or end of each server. */
  readonly #turns = new Map<LocalNode, Promise<void>>();

  constructor(theatre: Theatre) {
    this.#theatre = theatre;
  }

  /** How often each kind was injected. */
  get injected(): ReadonlyMap<string, number> {
    return this.#injected;
  }

  async run(schedule: readonly PlannedFault[], stop: AbortSignal): Promise<void> {
    const begin = systemClock.now();
    const play = async ({ from, until, fault }: PlannedFault): Promise<void> => {
      const wait = (time: number): Promise<void> =>
        pause(systemClock, begin + time - systemClock.now(), stop);
      await wait(from);
      if (stop.aborted) return;
      this.#log('begins', fault);
      this.#injected.set(nameOf(fault), (this.#injected.get(nameOf(fault)) ?? 0) + 1);
      const end = await this.#begin(fault, until - from, stop);
      await wait(until);
      await end();
      this.#log('is over', fault);
    };
    const played = await Promise.allSettled(schedule.map(play));
    const failed = played.find((outcome) => outcome.status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #log(what: string, fault: Fault): void {
    this.#theatre.log({ at: monotonic(), what, fault });
  }

  /** Returns what ends it. */
  async #begin(fault: Fault, span: number, stop: AbortSignal): Promise<() => Promise<void> | void> {
    const { clients, clocks, inside, ledger, ledgerLinks, links, watchers } = this.#theatre;
    switch (fault.kind) {
      case 'kill-node':
        return this.#kill(this.#node(fault.node), fault.empty);
      case 'cut-power':
        return this.#cutPower(this.#node(fault.node), fault.forgets, stop);
      case 'freeze-node':
        return freeze(this.#node(fault.node));
      case 'sleep-node':
        return sleep(this.#node(fault.node), span);
      case 'flush-node':
        await command(this.#node(fault.node), ['FLUSHALL']).catch((error) =>
          this.#log(`is refused: ${error}`, fault),
        ); // by a replica
        return () => {};
      case 'fill-disk':
        return fillDisk(this.#node(fault.node));
      case 'step-clock':
        clocks?.shift(fault.node, fault.by);
        return () => {};
      case 'jump-clock':
        clocks?.shift(fault.node, fault.by);
        return () => clocks?.shift(fault.node, -fault.by);
      case 'rolling-restart':
        await this.#roll(fault.empty, span, stop);
        return () => {};
      case 'freeze-client':
        clients.freeze(fault.client);
        return () => clients.thaw(fault.client);
      case 'kill-client':
        clients.kill(fault.client);
        return () => clients.replace(fault.client);
      case 'link':
      case 'partition': {
        const nodes = fault.kind === 'link' ? [fault.node] : fault.nodes;
        return disturb(
          nodes.map((node) => links[fault.client]?.[node]),
          fault.how,
        );
      }
      case 'isolate-node':
        return disturb([inside[fault.node], links[fault.client]?.[fault.node]], fault.how);
      case 'freeze-watcher':
        return freeze(watchers[fault.watcher] as LocalNode);
      case 'kill-watcher':
        return this.#kill(watchers[fault.watcher] as LocalNode, false);
      case 'failover':
        await this.#theatre.failover().catch((error) => this.#log(`is refused: ${error}`, fault));
        return () => {};
      case 'ledger-link':
        return disturb([ledgerLinks[fault.client]], fault.how);
      case 'kill-ledger':
        return this.#kill(ledger, false);
      case 'freeze-ledger':
        return freeze(ledger);
    }
  }

  async #kill(node: LocalNode, empty: boolean): Promise<() => Promise<void>> {
    await this.#inTurn(node, () => node.kill());
    return () => this.#inTurn(node, () => node.start({ empty }));
  }

  async #cutPower(node: LocalNode, forgets: number, stop: AbortSignal): Promise<() => Promise<void>> {
    const forget = rememberLog(node);
    await pause(systemClock, forgets, stop);
    const start = await this.#kill(node, false);
    forget();
    return start;
  }

  /** On a busy machine the next fault of a server may come while it still starts: it waits until the server runs. */
  #inTurn(node: LocalNode, act: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(node) ?? Promise.resolve()).then(act);
    this.#turns.set(
      node,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #roll(empty: boolean, span: number, stop: AbortSignal): Promise<void> {
    const { nodes } = this.#theatre;
    for (const node of nodes) {
      if (stop.aborted) return;
      await this.#inTurn(node, () => node.restart({ empty }));
      await pause(systemClock, span / nodes.length, stop);
    }
  }

  #node(index: number): LocalNode {
    return this.#theatre.nodes[index] as LocalNode;
  }
}

/** The kind of a fault, in as much detail as totals need. */
function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill-node':
    case 'rolling-restart':
      return `${fault.kind} ${fault.empty ? 'empty' : 'kept'}`;
    case 'link':
    case 'ledger-link':
    case 'isolate-node':
    case 'partition':
      return `${fault.kind} ${fault.how}`;
    default:
      return fault.kind;
  }
}

function freeze(node: LocalNode): () => void {
  node.freeze();
  return () => node.thaw();
}

/** The server does nothing else meanwhile; its answer comes at the end. */
function sleep(node: LocalNode, span: number): () => Promise<void> {
  const slept = command(node, ['DEBUG', 'SLEEP', String(span / 1_000)], span + 10_000);
  slept.catch(() => {}); // told at the end
  return async () => {
    await slept;
  };
}

function disturb(links: readonly (Link | undefined)[], how: LinkFault): () => void {
  for (const link of links) {
    if (how === 'cut') link?.cut();
    else link?.set(LINK_STATES[how]);
  }
  return () => {
    for (const link of links) link?.heal();
  };
}
