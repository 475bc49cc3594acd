/**
 * The check of the nodes: each must be a server of its own, and configured as it should be.
 *
 * Guarantees: two addresses of one server are refused with a MisuseError before any of their votes counts, even when
 * they become one while running. A server is examined once, and again when another one answers in its place.
 */
import { MisuseError } from '@holdfast/kernel';
import { isRefusal, type RedisNode, reasonOf, type Script } from '@holdfast/redis';

export interface AuditOptions {
  readonly nodes: readonly RedisNode[];
  readonly onWarning: (message: string) => void;
}

export class Audit {
  readonly #nodes: readonly RedisNode[];
  readonly #scripts: readonly Script[];
  readonly #onWarning: (message: string) => void;
  /** The run_id under which a node's configuration was last looked at. */
  readonly #audited = new Map<RedisNode, string>();
  /** The run_ids that were last found to be distinct. */
  #distinct: readonly (string | undefined)[] = [];
  #closed = false;

  /** Every node is to have these `scripts`. */
  constructor({ nodes, onWarning }: AuditOptions, scripts: readonly Script[]) {
    this.#nodes = nodes;
    this.#scripts = scripts;
    this.#onWarning = onWarning;
  }

  /** Throws MisuseError if two addresses are one server, which would vote twice. */
  requireDistinct(): void {
    if (this.#nodes.every((node, index) => node.runId === this.#distinct[index])) return;
    const seen = new Map<string, RedisNode>();
    for (const node of this.#nodes) {
      if (node.runId === undefined) continue;
      const twin = seen.get(node.runId);
      if (twin) {
        throw new MisuseError(
          `${twin.address} and ${node.address} are the same Redis server (run_id ${node.runId}); a quorum needs independent nodes, so list each server once.`,
        );
      }
      seen.set(node.runId, node);
      if (this.#audited.get(node) !== node.runId) void this.examine(node);
    }
    this.#distinct = this.#nodes.map(({ runId }) => runId);
  }

  /** Looks at a server's configuration once, loads the scripts, and reports settings that would cause problems. */
  async examine(node: RedisNode): Promise<void> {
    if (node.unavailable !== undefined) return;
    if (node.runId !== undefined) this.#audited.set(node, node.runId);
    try {
      await node.load(this.#scripts);
      const { runId, maxmemoryPolicy } = await node.info();
      this.#audited.set(node, runId);
      if (maxmemoryPolicy !== '' && maxmemoryPolicy !== 'noeviction') {
        this.#onWarning(
          `${node.address} has maxmemory-policy ${maxmemoryPolicy} and may evict locks and fences; set it to noeviction.`,
        );
      }
    } catch (error) {
      // The votes themselves report whatever else is wrong with the node.
      if (!this.#closed && isRefusal(error))
        this.#onWarning(`${node.address} could not be examined: ${reasonOf(error)}`);
    }
  }

  close(): void {
    this.#closed = true;
  }
}
