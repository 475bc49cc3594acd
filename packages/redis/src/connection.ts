/**
 * The port to one Redis server: the functions that Holdfast needs from a client, and nothing more. Adapters for ioredis
 * and node-redis implement it; everything above knows only this.
 *
 * Guarantees: commands of one connection reach the server in the order of `send`. A command is sent only while the
 * connection is ready, so that none waits in a queue and surprises a server later. When the server is away, `send`
 * rejects at once and `unready` says why.
 */

/** The reply of a server: the types of RESP that scripts produce. An error reply rejects instead. */
export type Reply = string | number | null | undefined | readonly Reply[];

/** An argument of a command: text, which is sent as UTF-8, or bytes as they are. */
export type Argument = string | Uint8Array;

/** The reply of a server in which every text is given as its bytes. */
export type BinaryReply = Buffer | number | null | undefined | readonly BinaryReply[];

/** A listener on a channel. */
export interface Listener {
  onMessage(message: string): void;
  /** The server delivers from now on. Called again after each reconnection: messages in between are lost. */
  onListening(): void;
  /** The server does not let us listen, and says why. */
  onRefused(reason: string): void;
}

export interface Connection {
  /** `host:port` or a socket path, never with credentials. */
  readonly address: string;
  /** Why no command can be sent now; undefined when one can. */
  readonly unready: string | undefined;
  /**
   * Starts connecting. Resolves when the first try has ended, successfully or not; later tries follow automatically.
   */
  open(): Promise<void>;
  send(command: string, args: readonly string[]): Promise<Reply>;
  /** The same for arguments of any bytes, and with the reply's texts as bytes. An error is still told in words. */
  sendBinary(command: string, args: readonly Argument[]): Promise<BinaryReply>;
  /** Listens on `channel` over another connection to the same server, which reconnects until it is closed. */
  listen(channel: string, listener: Listener): { close(): void };
  /** Gives up a connection that does not answer, and starts another, if it is ours: it may be half-open. */
  restart(): void;
  /** Ends the connection, if it is ours to end. */
  close(): void;
}

/** What both client libraries take as an argument: bytes as a Buffer, which is a view on the same memory. */
export function forClient(argument: Argument): string | Buffer {
  if (typeof argument === 'string' || Buffer.isBuffer(argument)) return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

/** Whether a server refused a command for which its user lacks the right. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM');
}

/** The words of an error without the secrets that a client may have put into it. */
export function reasonOf(error: unknown, secret?: string): string {
  const inner = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  const words = inner instanceof Error ? inner.message : String(inner);
  return secret ? words.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***') : words;
}
