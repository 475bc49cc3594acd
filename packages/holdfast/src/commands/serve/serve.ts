/**
 * `holdfast serve`: Holdfast over HTTP, until it is interrupted.
 *
 * Guarantees: stdout has one line of JSON for each request, and nothing else. SIGTERM lets requests that are under way end;
 * a second signal does not hurry it.
 */
import { once } from 'node:events';
import { messageOf } from '@holdfast/kernel';
import { type Arguments, given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { openLocks } from '../../deployment.js';
import { parseDuration } from '../../durations.js';
import { EXIT } from '../../exit-codes.js';
import { Interruption } from '../../interruption.js';
import { DESCRIPTION, NODE_OPTIONS, NODES, type Option } from '../../options.js';
import { placeOf } from '../place.js';
import { jsonLines } from './json-lines.js';
import {
  AUDIT,
  AUDIT_REQUIRED,
  DRAIN,
  GRPC_PORT,
  HOST,
  INSECURE,
  KEYS,
  MANAGEMENT_PORT,
  PUBLIC_URL,
  READ_ONLY,
  SERVE_PORT,
  SERVED_APP,
  SERVED_PERSISTENCE,
  SERVED_PROGRAM,
  SERVED_RATE,
  SERVED_REDIS,
  SERVER_KEY,
  STOP_GRACE,
  TRUST,
  WEBHOOKS,
} from './options.js';
import { programOf } from './program.js';
import { issuerOf, tlsOf } from './trust.js';

export const serve: Command = {
  name: 'serve',
  summary: 'Serve Holdfast over HTTP, for programs in any language.',
  operands: [],
  about: `Answers the operations that GET /openapi.json describes, and /healthz, /readyz
and /metrics. Every replica answers every request. Log lines go to stdout.`,
  options: [
    SERVED_REDIS,
    SERVED_PERSISTENCE,
    SERVED_APP,
    SERVED_PROGRAM,
    HOST,
    SERVE_PORT,
    MANAGEMENT_PORT,
    GRPC_PORT,
    KEYS,
    SERVER_KEY,
    SERVED_RATE,
    PUBLIC_URL,
    ...TRUST,
    INSECURE,
    READ_ONLY,
    AUDIT,
    AUDIT_REQUIRED,
    WEBHOOKS,
    DRAIN,
    STOP_GRACE,
    ...NODE_OPTIONS,
  ],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'it was asked to stop, and has'],
    ['64', 'the configuration is wrong, keys are missing, or the port is in use'],
  ],
  example: 'holdfast serve --redis redis://127.0.0.1:6379',

  async run(args, context) {
    const { createServer } = await library(args);
    const program = await programOf(args);
    const interruption = new Interruption(context.signals);
    const locks = args.addresses(NODES) && openLocks(args, context);
    const log = jsonLines(context);
    const server = createServer({
      ...given({ locks, definitions: program?.definitions }),
      ...(args.text(SERVED_REDIS) === undefined ? {} : placeOf(args)),
      ...given({
        // Any other word is refused by createServer, with the two that exist.
        persistence: args.text(SERVED_PERSISTENCE) as 'none' | 'synchronous' | undefined,
        host: args.text(HOST),
        app: args.text(SERVED_APP),
        rate: rateOf(args),
        port: args.count(SERVE_PORT, 0, 65_535),
        management: portOf(args, MANAGEMENT_PORT),
        grpc: portOf(args, GRPC_PORT),
        keys: args.text(KEYS),
        serverKey: args.text(SERVER_KEY),
        grace: args.duration(STOP_GRACE),
        audit: auditOf(args),
        webhooks: args.text(WEBHOOKS),
        tls: tlsOf(args),
        issuer: issuerOf(args),
      }),
      drain: args.duration(DRAIN) ?? 5_000,
      insecure: args.has(INSECURE),
      readOnly: args.has(READ_ONLY),
      hosts: hostsOf(args),
      logger: log.logger,
    });
    try {
      const url = await server.listen();
      const { grpcUrl } = server;
      const byGrpc = grpcUrl === undefined ? '' : ` gRPC is at ${new URL(grpcUrl).host}.`;
      context.stderr.write(`holdfast serves ${url}; Ctrl-C stops it.${byGrpc}\n`);
      if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
    } finally {
      await server.close();
      await locks?.close();
      await program?.close();
      interruption.end();
      log.end();
    }
    return EXIT.ok;
  },
};

/** The package, which is installed beside holdfast. */
export async function library(args: Arguments): Promise<typeof import('@holdfast/server')> {
  try {
    return await import('@holdfast/server');
  } catch (error) {
    throw args.wrong(`@holdfast/server is not installed beside holdfast: ${messageOf(error)}`);
  }
}

function portOf(args: Arguments, option: Option): { readonly port: number } | undefined {
  const port = args.count(option, 0, 65_535);
  return port === undefined ? undefined : { port };
}

function auditOf(args: Arguments): { readonly file: string; readonly required: boolean } | undefined {
  const file = args.text(AUDIT);
  const required = args.has(AUDIT_REQUIRED);
  if (file !== undefined) return { file, required };
  if (required) throw args.wrong('--audit-required needs --audit <file>');
  return undefined;
}

function rateOf(args: Arguments): { readonly count: number; readonly per: number } | undefined {
  const text = args.text(SERVED_RATE);
  if (text === undefined) return undefined;
  const [, count = '', duration = ''] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  const per = parseDuration(duration);
  if (count !== '' && per !== undefined) return { count: Number(count), per };
  throw args.wrong('--rate is a count and a duration, such as 100/1s');
}

function hostsOf(args: Arguments): readonly string[] {
  const urls = (args.text(PUBLIC_URL) ?? '').split(',').flatMap((url) => url.trim() || []);
  return urls.map((url) => {
    if (URL.canParse(url)) return new URL(url).hostname;
    throw args.wrong(`--${PUBLIC_URL.name} is a URL, or several, such as https://holdfast.example.org`);
  });
}
