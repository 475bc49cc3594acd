/**
 * `holdfast mcp`: a Holdfast server for an agent, as tools of the Model Context Protocol over stdin and stdout.
 *
 * Guarantees: nothing but the protocol is written to stdout. The key is read from its file for each request, so that it may
 * be replaced, and is never shown. When the agent closes stdin, or at SIGTERM, the locks that it held are given back.
 */
import { messageOf } from '@holdfast/kernel';
import { type Arguments, given } from '../arguments.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { KEY_FILE, type Option, SERVER } from '../options.js';
import { keyIn } from '../served/server.js';
import { versionOf } from '../version.js';

const SERVER_OF_AGENT: Option = {
  ...SERVER,
  required: true,
  about: 'The URL of the Holdfast server. Required.',
};

const KEY_OF_AGENT: Option = { ...KEY_FILE, about: 'The file that has the API key, and nothing else.' };

const ALLOW: Option = {
  name: 'allow',
  value: '<kinds>',
  env: 'HOLDFAST_MCP_ALLOW',
  default: 'none',
  about:
    'What the agent may do besides reading, separated by commas: lock, write (add tasks, start and tell runs), cancel, approve.',
};

export const mcp: Command = {
  name: 'mcp',
  summary: 'Give an agent tools for a Holdfast server (Model Context Protocol).',
  operands: [],
  about: `Speaks the Model Context Protocol over stdin and stdout: an agent's host starts
it. Tools only read unless --allow names more, and do what the scopes of the key
allow. A lock that the agent takes is kept until it is given back, its time is
over, or the agent has gone.`,
  options: [SERVER_OF_AGENT, KEY_OF_AGENT, ALLOW],
  shared: [],
  exitCodes: [
    ['0', 'the agent has gone, or it was asked to stop'],
    ['64', 'the command line is wrong, the key cannot be read, or @holdfast/mcp is missing'],
  ],
  example: 'holdfast mcp --server http://127.0.0.1:7400 --key-file agent.key --allow lock',

  async run(args, context) {
    const { serveMcp, ALLOWANCES } = await library(args);
    const words = (args.text(ALLOW) ?? '').split(',').flatMap((word) => word.trim() || []);
    const allow = ALLOWANCES.filter((known) => words.includes(known));
    if (allow.length < new Set(words).size)
      throw args.wrong(`--${ALLOW.name} is one or more of ${ALLOWANCES.join(', ')}`);
    const url = args.text(SERVER_OF_AGENT) ?? '';
    if (!URL.canParse(url))
      throw args.wrong(`--${SERVER.name} is a URL such as https://holdfast.internal:7400`);
    const path = args.text(KEY_OF_AGENT);
    const key = path === undefined ? undefined : () => keyIn(path);
    await key?.();
    const interruption = new Interruption(context.signals);
    const handle = serveMcp({
      ...{ url, allow, version: versionOf() },
      ...given({ key }),
      onError: (error) => context.stderr.write(`holdfast: ${error.message}\n`),
    });
    interruption.signal.addEventListener('abort', () => void handle.close(), { once: true });
    await handle.closed;
    interruption.end();
    return EXIT.ok;
  },
};

/** The package, which is installed beside holdfast. */
async function library(args: Arguments): Promise<typeof import('@holdfast/mcp')> {
  try {
    return await import('@holdfast/mcp');
  } catch (error) {
    throw args.wrong(`@holdfast/mcp is not installed beside holdfast: ${messageOf(error)}`);
  }
}
