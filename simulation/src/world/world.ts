/**
 * The world of one run: its time, its nodes and the store, its machines, the links between them, and what befalls them.
 */
import { seededRandom } from '@holdfast/kernel';
import type { Fault, Plan, RunPlan } from '../plan/plan.js';
import { SimulatedClient } from './client.js';
import type { Command, Connection, Link } from './connection.js';
import { Machine } from './machine.js';
import { SimulatedNode } from './node.js';
import { Scheduler } from './scheduler.js';

/** A line of the timeline: when, who, what. */
export type Trace = (time: number, who: string, what: string) => void;

export interface WorldOptions<P extends RunPlan<unknown>> {
  readonly plan: P;
  readonly onCommand: (node: SimulatedNode, command: Command, reply: unknown) => void;
  /** Told when a node is back, or has forgotten everything. */
  readonly onRestart: (node: SimulatedNode) => void;
  readonly trace: Trace | undefined;
}

export class World<P extends RunPlan<unknown> = Plan> {
  readonly plan: P;
  readonly scheduler = new Scheduler();
  /** The nodes, then the store. */
  readonly nodes: readonly SimulatedNode[];
  readonly #trace: Trace | undefined;
  readonly #onRestart: (node: SimulatedNode) => void;
  readonly #links: readonly (readonly Link[])[];
  readonly #connections = new Map<Link, Connection[]>();
  readonly #machines: Machine[] = [];
  readonly #clients = new Map<Machine, SimulatedClient[]>();
  #seeds = 0;

  constructor({ plan, onCommand, onRestart, trace }: WorldOptions<P>) {
    this.plan = plan;
    this.#trace = trace;
    this.#onRestart = onRestart;
    this.nodes = plan.nodeClocks.map(
      ({ rate, aheadMs }, index) =>
        new SimulatedNode({
          scheduler: this.scheduler,
          random: seededRandom(this.#seed()),
          clock: { rate, ahead: aheadMs * 1000 },
          name: index === plan.nodes ? 'store' : `node-${index + 1}`,
          failsOver: plan.failsOver,
          onPublish: (node, message, heard) => {
            if (trace) this.note(node.name, `tells ${heard}: ${message.replaceAll('\n', ' ')}`);
          },
          onCommand: (node, command, reply) => {
            onCommand(node, command, reply);
            if (trace) this.note(node.name, `${describe(command)} → ${String(reply)}`);
          },
        }),
    );
    this.#links = plan.clients.map(() => this.nodes.map(() => ({ lag: 0, cut: { up: false, down: false } })));
  }

  get store(): SimulatedNode {
    return this.nodes[this.plan.nodes] as SimulatedNode;
  }

  /** Whether somebody reads the timeline. */
  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  note(who: string, what: string): void {
    this.#trace?.(this.scheduler.now, who, what);
  }

  /** Starts a process in place of the one that was there. */
  start(place: number, life: number): Machine {
    const { rate, aheadMs } = this.plan.clients[place]?.clock ?? { rate: 1, aheadMs: 0 };
    const name = `client-${place + 1}${'′'.repeat(life)}`;
    const clock = { rate, ahead: aheadMs * 1000 };
    const machine = new Machine(this.scheduler, name, this.#seed(), clock);
    this.#machines[place] = machine;
    this.#clients.set(machine, []);
    return machine;
  }

  machine(place: number): Machine {
    return this.#machines[place] as Machine;
  }

  /** A client in a process, of a node. */
  connect(place: number, node: SimulatedNode): SimulatedClient {
    const link = this.#link(place, this.nodes.indexOf(node));
    const machine = this.machine(place);
    const connections = this.#connections.get(link) ?? [];
    this.#connections.set(link, connections);
    const client = new SimulatedClient({
      scheduler: this.scheduler,
      random: seededRandom(this.#seed()),
      latency: this.plan.latency,
      machine,
      node,
      link,
      resends: this.plan.resends,
      onConnection: (connection) => connections.push(connection),
      onClient: (made) => this.#clients.get(machine)?.push(made),
    });
    return client;
  }

  /** The process ends at once, and its connections with it. */
  kill(place: number): void {
    const machine = this.machine(place);
    machine.alive = false;
    for (const client of this.#clients.get(machine) ?? []) client.die();
  }

  /** Carries out a fault that concerns nodes, links and clocks. Those that concern processes are the runner's. */
  inflict(fault: Fault): void {
    const until = (duration: number, undo: () => void): void => {
      this.scheduler.after(duration * 1000, undo);
    };
    switch (fault.f) {
      case 'cut':
        this.#cut(fault, until);
        return;
      case 'lag':
        for (const link of this.#between(fault)) {
          link.lag += fault.lag * 1000;
          until(fault.for, () => {
            link.lag = Math.max(0, link.lag - fault.lag * 1000);
          });
        }
        return;
      case 'break': {
        const lateness = fault.lateness === undefined ? undefined : fault.lateness * 1000;
        for (const connection of this.#connectionsOf(this.#link(fault.client, fault.node))) {
          connection.break(lateness);
        }
        return;
      }
      case 'pause':
        this.machine(fault.client).pause(fault.for * 1000, fault.atReading);
        return;
      case 'client clock':
        this.machine(fault.client).wallAhead += Math.round(fault.by * 1000);
        return;
      case 'kill':
        return;
      default:
        this.#inflictOnNode(fault, until);
    }
  }

  #inflictOnNode(fault: Fault & { node: number }, until: (duration: number, undo: () => void) => void): void {
    const node = this.nodes[fault.node] as SimulatedNode;
    switch (fault.f) {
      case 'freeze':
        node.freeze();
        until(fault.for, () => node.thaw());
        return;
      case 'full':
        node.server.isFull = true;
        until(fault.for, () => {
          node.server.isFull = false;
        });
        return;
      case 'slow':
        node.slowness += fault.by * 1000;
        until(fault.for, () => {
          node.slowness = Math.max(0, node.slowness - fault.by * 1000);
        });
        return;
      case 'crash':
        node.crash();
        until(fault.for, () => this.#restart(node, fault.memory));
        return;
      case 'flush':
        if (node.isUp) node.server.execute('FLUSHALL', []);
        return;
      case 'node clock':
        node.ahead += fault.by * 1000;
        return;
      default:
    }
  }

  #restart(node: SimulatedNode, memory: 'all' | 'some' | 'none'): void {
    if (node.isUp) return;
    node.restart(memory);
    this.#onRestart(node);
    this.note(node.name, `is back and remembers ${memory} of its data`);
  }

  #cut(fault: Fault & { f: 'cut' }, until: (duration: number, undo: () => void) => void): void {
    const directions = fault.direction === 'both' ? (['up', 'down'] as const) : ([fault.direction] as const);
    for (const link of this.#between(fault)) {
      for (const direction of directions) link.cut[direction] = true;
      until(fault.for, () => this.#mend(link));
    }
  }

  #mend(link: Link): void {
    link.cut.up = false;
    link.cut.down = false;
    for (const connection of this.#connections.get(link) ?? []) connection.heal();
  }

  /** Everything works from now on. */
  heal(): void {
    for (const node of this.nodes) {
      const durable = this.plan.deployment.persistence === 'synchronous' && node !== this.store;
      this.#restart(node, durable ? 'all' : 'none');
      node.slowness = 0;
      node.server.isFull = false;
      node.thaw();
    }
    for (const links of this.#links) {
      for (const link of links) {
        link.lag = 0;
        this.#mend(link);
      }
    }
    for (const machine of this.#machines) machine.resume();
  }

  #link(place: number, node: number): Link {
    return this.#links[place]?.[node] as Link;
  }

  #between({ clients, nodes }: { clients: readonly number[]; nodes: readonly number[] }): Link[] {
    return clients.flatMap((client) => nodes.map((node) => this.#link(client, node)));
  }

  /** Forgets those that both ends have given up. */
  #connectionsOf(link: Link): readonly Connection[] {
    const known = this.#connections.get(link) ?? [];
    known.splice(0, known.length, ...known.filter(({ isAlive }) => isAlive));
    return [...known];
  }

  #seed(): number {
    this.#seeds += 1;
    return (Math.imul(this.plan.seed ^ (this.#seeds * 0x9e3779b1), 0x85ebca6b) ^ this.#seeds) >>> 0;
  }
}

/** What a command asks of which script. The verb opens the last of the files that a script is made of. */
function describe({ name, args }: Command): string {
  const [script = '', count = '', ...rest] = args;
  // The keys of the queue are always the same.
  const details = rest.slice(/:meta$/.test(rest[0] ?? '') ? Number(count) : 0).join(' ');
  if (name === 'FCALL') return `${script.replace(/^holdfast_[0-9a-f]+_/, '')} ${details}`;
  if (name === 'EVALSHA') return `EVALSHA ${script.slice(0, 6)} ${details}`;
  if (name === 'EVAL') return `EVAL ${[...script.matchAll(/^-- (\w+):/gm)].at(-1)?.[1]} ${details}`;
  return name === 'SCRIPT' || name === 'FUNCTION' ? `${name} ${script}` : `${name} ${args.join(' ')}`;
}
