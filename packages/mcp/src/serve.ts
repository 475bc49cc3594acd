/**
 * Serves the tools to an agent at the other end of two streams, as the stdio transport of the Model Context Protocol says.
 *
 * Guarantees: without allowances no tool changes anything. A tool does what the key's scopes allow, and no more: the server
 * judges each call. When the agent's end of the streams closes, what it held is given back; `closed` then resolves.
 */
import type { Readable, Writable } from 'node:stream';
import { createClient } from '@holdfast/client';
import {
  type Clock,
  fitting,
  having,
  list,
  MisuseError,
  optional,
  orSystemClock,
  passedOn,
  type Readers,
  readOptions,
  text,
  withDefault,
} from '@holdfast/kernel';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { answerOf, errorOf } from './answer.js';
import { HeldLocks } from './held-locks.js';
import { ALLOWANCES, type Allowance, type Tool } from './tool.js';
import { TOOLS } from './tools/table.js';

export interface McpOptions {
  /** Of the Holdfast server, such as "https://holdfast.internal:7400". */
  readonly url: string;
  /** The API key, or a function that gives it for each request. Default: none, for a server that asks for none. */
  readonly key?: string | (() => string | Promise<string>);
  /**
   * What the agent may do besides reading: "lock" takes locks, "write" adds tasks, starts runs and sends them messages,
   * "cancel" cancels tasks and runs, "approve" answers approvals. Default: nothing.
   */
  readonly allow?: readonly Allowance[];
  /** The version that the agent is told. Default "0". */
  readonly version?: string;
  /** What the agent writes to. Default: stdin of this process. */
  readonly input?: Readable;
  /** What the agent reads. Default: stdout of this process, to which then nothing else may write. */
  readonly output?: Writable;
  /** Is told of messages that could not be read or answered. Default: nobody. */
  readonly onError?: (error: Error) => void;
  /** The clock. Default: the system's. */
  readonly clock?: Clock;
}

export interface McpHandle {
  /** Resolves when the agent has gone, or `close` was called, and all it held has been given back. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const isAllowance = (value: unknown): value is Allowance => ALLOWANCES.includes(value as Allowance);

const MCP = {
  url: fitting<string>('the URL of a Holdfast server', (url) => URL.canParse(String(url))),
  key: passedOn<McpOptions['key']>(),
  allow: withDefault(list<Allowance>('a list of what the agent may do'), []),
  version: withDefault(text('a version'), '0'),
  input: withDefault(having<Readable>('on', 'pause'), process.stdin),
  output: withDefault(having<Writable>('write', 'on'), process.stdout),
  onError: optional(passedOn<(error: Error) => void>()),
  clock: orSystemClock,
} satisfies Readers<McpOptions>;

const INSTRUCTIONS = `Holdfast coordinates programs and agents that work beside each other. Before you change what others
may change too, take the lock of its name with lock_acquire, show its token to what you write to, and give it back with
lock_release. A result that begins with LOST says that a lock of yours is over: stop writing under it.`;

/** Serves until the agent has gone. Throws MisuseError for options that cannot work; nothing connects before a tool is called. */
export function serveMcp(options: McpOptions): McpHandle {
  const settings = readOptions('serveMcp', options, MCP);
  const { url, key, allow, version, input, output, onError, clock } = settings;
  const unknown = allow.find((each) => !isAllowance(each));
  if (unknown !== undefined)
    throw new MisuseError(`serveMcp: allow has ${ALLOWANCES.join(', ')}; got ${JSON.stringify(unknown)}.`);
  const client = createClient({ url, ...(key !== undefined && { key }) });
  const locks = new HeldLocks(client, clock);
  const tools = TOOLS.filter(({ asks }) => asks === undefined || allow.some((each) => each === asks));

  const factory = (): McpServer => {
    const server = new McpServer({ name: 'holdfast', version }, { instructions: INSTRUCTIONS });
    for (const tool of tools) register(server, tool, { client, locks });
    return server;
  };
  const transport = new StdioServerTransport(input, output);
  const handle = serveStdio(factory, { transport, ...(onError && { onerror: onError }) });
  const gone = new AbortController();
  const closed = new Promise<void>((resolve, reject) => {
    const end = (): void => {
      Promise.all([handle.close(), locks.close()]).then(() => resolve(), reject);
    };
    gone.signal.addEventListener('abort', end, { once: true });
  });
  for (const event of ['end', 'close']) input.once(event, () => gone.abort());
  output.once('error', () => gone.abort());
  return {
    closed,
    close(): Promise<void> {
      gone.abort();
      return closed;
    },
  };
}

function register(
  server: McpServer,
  tool: Tool,
  given: Pick<Parameters<Tool['run']>[0], 'client' | 'locks'>,
): void {
  const { name, title, description, input, asks, showsData, idempotent, run } = tool;
  const annotations = {
    readOnlyHint: asks === undefined,
    destructiveHint: asks === 'cancel' || asks === 'approve',
    idempotentHint: idempotent,
    openWorldHint: false,
  };
  server.registerTool(
    name,
    { title, description, inputSchema: input, annotations },
    async (args, context) => {
      const { locks } = given;
      try {
        const value = await run({ ...given, input: args, signal: context.mcpReq.signal });
        return answerOf(value, showsData, locks.lost());
      } catch (error) {
        return errorOf(error, locks.lost());
      }
    },
  );
}
