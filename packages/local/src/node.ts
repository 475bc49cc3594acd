/**
 * A node, as the caller sees it. Made by `startNodes`; the server behind it is in server-node.ts.
 */

export interface AgainOptions {
  /** Whether the node's folder is removed first, so that it has forgotten everything. Default false. */
  readonly empty?: boolean;
}

/** One server. Its methods throw MisuseError if its state does not allow the call. */
export interface LocalNode {
  readonly port: number;
  /** `redis://127.0.0.1:port`. */
  readonly url: string;
  /** Where the server keeps its data. */
  readonly folder: string;
  /** The process id of the server itself; undefined when it does not run. */
  readonly pid: number | undefined;
  readonly state: 'running' | 'frozen' | 'stopped';
  /** The output of the server since the node was made, across restarts: the last 65,536 characters. */
  readonly output: string;
  /** Ends the server cleanly, by SIGTERM; by SIGKILL if that takes longer than `readyTimeout`. Thaws it first. */
  stop(): Promise<void>;
  /** Ends the server by SIGKILL, as a crash would. Like `stop`, it does nothing if the server does not run. */
  kill(): Promise<void>;
  /** Stops the server's process in its tracks (SIGSTOP): it accepts connections and answers nothing. */
  freeze(): void;
  /** Lets a frozen server go on (SIGCONT). */
  thaw(): void;
  /**
   * Starts the server again, on the same port. Resolves when it answers.
   * Throws UnavailableError with its output if it does not.
   */
  start(options?: AgainOptions): Promise<void>;
  /** Kills the server and starts it again. */
  restart(options?: AgainOptions): Promise<void>;
}
