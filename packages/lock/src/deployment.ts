/**
 * The agreement between all clients and nodes of one deployment: its name, its parameters, its keys.
 *
 * Guarantees: the parameters are in every node's deployment record, in the form that `parameters` gives; a node refuses
 * a client that disagrees, with both versions. All keys share one hash tag, the deployment's name.
 */
import {
  duration,
  MisuseError,
  oneOf,
  type Readers,
  readOptions,
  requireName,
  requirePrefix,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { SERVER_VARIABLES } from '@holdfast/redis';

export interface DeploymentOptions {
  /**
   * The deployment's name, which is the hash tag of every key, and by which guards know the issuer of its tokens. Give
   * each of several deployments its own. Default "holdfast". No braces.
   */
  readonly deployment?: string;
  /** Begins every key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /** The longest TTL allowed, in ms: a node that has forgotten its locks waits at least this long. Default 30000. */
  readonly maxTtl?: number;
  /** How far a token may be from a node's clock, in ms. The nodes' own clocks must agree within it. Default 5000. */
  readonly window?: number;
  /** How long a node remembers the last token of an unused resource, in ms; more than 2 windows. Default 3600000. */
  readonly retention?: number;
  /** How far a node's clock may step back across a restart, in ms. Default 5000. */
  readonly margin?: number;
  /**
   * "synchronous" says that every node runs with `appendfsync always` and is never replaced by a replica, so that a
   * restart forgets nothing and needs no quarantine. Default "none".
   */
  readonly persistence?: 'none' | 'synchronous';
  /**
   * For nodes that may fail over to a replica (Sentinel, Cluster): how many replicas must follow a node for it to vote,
   * from 0 to 10. With 1 or more, a master that was cut off from its replicas votes on nothing from three seconds on,
   * so it and its successor never vote at the same time. Default 0.
   */
  readonly replicas?: number;
}

export const DEPLOYMENT = {
  deployment: withDefault(requireName, 'holdfast'),
  prefix: withDefault(requirePrefix, ''),
  maxTtl: withDefault(duration({ min: 10, max: 86_400_000 }), 30_000),
  window: withDefault(duration({ min: 1, max: 3_600_000 }), 5_000),
  retention: withDefault(duration(), 3_600_000),
  margin: withDefault(duration(), 5_000),
  persistence: withDefault(oneOf('none', 'synchronous'), 'none'),
  replicas: withDefault(whole(0, 10), 0),
} satisfies Readers<DeploymentOptions>;

/** The keys that belong to one lease. No two kinds of lease share a key, whatever their names. */
export interface LeaseKeys {
  /** The holder. */
  readonly lockKey: string;
  readonly fenceKey: string;
  readonly queueKey: string;
  /** The readers who share it, each with the time until which. */
  readonly readersKey: string;
}

/**
 * The number of the layout of keys and values on the nodes. It is one of the parameters, so a client that knows another
 * layout is refused before it writes.
 */
const LAYOUT = 1;

/** How long a master may go on voting after the last of its replicas has left it, in ms. */
const ISOLATION = 3_000;

/** A Lua string literal. */
const luaString = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;

/** @internal For tools of Holdfast that ask the nodes themselves. Throws MisuseError for options that cannot work. */
export class Deployment {
  readonly name: string;
  /** The issuer of the tokens, as guards know it. */
  readonly issuer: string;
  readonly nodes: number;
  readonly quorum: number;
  readonly maxTtl: number;
  readonly parameters: string;
  /** How long a node that may have forgotten votes on nothing, in ms. */
  readonly quarantine: number;
  /** How long a node that has restarted votes on nothing, in ms. */
  readonly readmission: number;
  readonly window: number;
  readonly recordKey: string;
  /** How every key begins. */
  readonly root: string;
  readonly #described: string;
  /** The Lua that opens the voting scripts: the constants, and the one variable, that admission.lua names. */
  readonly prelude: string;

  constructor(nodes: number, options: DeploymentOptions) {
    const read = readOptions('deployment', options, DEPLOYMENT);
    const { deployment: name, prefix, margin, retention, persistence, replicas } = read;
    if (/[{}]/.test(name)) throw new MisuseError(`deployment has no braces; got "${name}".`);
    this.name = name;
    this.root = `${prefix}{${name}}:`;
    this.issuer = `locks:${prefix === '' ? name : `${prefix}{${name}}`}`;
    this.nodes = nodes;
    this.quorum = Math.floor(nodes / 2) + 1;
    this.maxTtl = read.maxTtl;
    this.window = read.window;
    if (retention <= 2 * this.window) {
      throw new MisuseError(
        `retention must be above twice the window, or a forgotten fence could be undercut: retention ${retention} ms, window ${this.window} ms.`,
      );
    }
    if (replicas > 0 && persistence === 'synchronous') {
      throw new MisuseError(
        'persistence is "synchronous" only where no replica takes over: a failover forgets; leave out one of persistence and replicas.',
      );
    }
    this.quarantine = Math.max(this.maxTtl + (replicas > 0 ? ISOLATION : 0), 2 * this.window + margin);
    this.readmission = persistence === 'synchronous' ? 0 : this.quarantine;
    this.#described = `maxTtl=${this.maxTtl} window=${this.window} retention=${retention} margin=${margin} persistence=${persistence} replicas=${replicas} layout=${LAYOUT}`;
    this.parameters = this.parametersOf(nodes);
    this.recordKey = `${this.root}record`;
    this.prelude = [
      'local PARAMETERS, QUARANTINE, SYNCHRONOUS, WINDOW, RETENTION, MIN_REPLICAS, CHANNELS =',
      `  '${this.parameters}', ${this.quarantine * 1000}, ${persistence === 'synchronous'}, ${this.window * 1000}, '${retention}', ${replicas}, ${luaString(this.channel(''))}`,
      SERVER_VARIABLES,
    ].join('\n');
  }

  /** The parameters of the same deployment with another number of nodes. */
  parametersOf(nodes: number): string {
    return `nodes=${nodes} ${this.#described}`;
  }

  /** The keys of a resource that is locked, exclusively or shared. */
  lockKeys(resource: string): LeaseKeys {
    return {
      lockKey: `${this.root}lock:${resource}`,
      fenceKey: `${this.root}fence:${resource}`,
      queueKey: `${this.root}queue:${resource}`,
      readersKey: `${this.root}readers:${resource}`,
    };
  }

  /** The keys of one slot of a semaphore, counted from 1; all slots have one queue. */
  slotKeys(semaphore: string, slot: number): LeaseKeys {
    return {
      lockKey: `${this.root}slot-lock:${slot}:${semaphore}`,
      fenceKey: `${this.root}slot-fence:${slot}:${semaphore}`,
      queueKey: `${this.root}slot-queue:${semaphore}`,
      readersKey: '',
    };
  }

  /** The slot whose lock has this key. */
  slotOf(lockKey: string): number {
    return Number.parseInt(lockKey.slice(`${this.root}slot-lock:`.length), 10);
  }

  /** The keys of the right to change the number of permits of a semaphore. */
  resizeKeys(semaphore: string): LeaseKeys {
    return {
      lockKey: `${this.root}resize-lock:${semaphore}`,
      fenceKey: `${this.root}resize-fence:${semaphore}`,
      queueKey: `${this.root}resize-queue:${semaphore}`,
      readersKey: '',
    };
  }

  /** The key of the number of permits of a semaphore, with the token under which it was decided. */
  permitsKey(semaphore: string): string {
    return `${this.root}permits:${semaphore}`;
  }

  /** The channel on which the nodes call the waiting owners of one process. */
  channel(process: string): string {
    return `${this.root}wake:${process}`;
  }
}
