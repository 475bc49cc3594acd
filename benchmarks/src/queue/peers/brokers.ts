/**
 * The brokers of `queue-peers`: Redis servers, a PostgreSQL and a RabbitMQ, on loopback ports, and the CPU time of each.
 *
 * Guarantees: a broker has resolved when it takes connections. What was started ends with `stop`, and also when this
 * program ends without it. RabbitMQ is Debian's package, which is installed where it is not there; its data, its cookie
 * and its name service are its own, so that one that runs on this machine is left alone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNodes } from '@holdfast/local';
import { startPostgres } from '@holdfast/local/postgres';
import type { Peer } from './peer.js';

export interface Broker {
  readonly url: string;
  /** The process whose CPU time, with that of all its children, is the broker's. */
  readonly pid: number;
  stop(): Promise<unknown>;
}

/** How each broker is started, and what is said of it in the report. */
export const BROKERS: Readonly<Record<Peer['broker'], { about: string; start(): Promise<Broker> }>> = {
  redis: {
    about: 'appendonly yes, appendfsync everysec',
    start: () => startRedis('everysec'),
  },
  'redis, fsync': { about: 'appendonly yes, appendfsync always', start: () => startRedis('always') },
  postgres: {
    about: 'fsync off, else its defaults',
    start: async () => {
      const server = await startPostgres();
      return { url: server.url, pid: server.pid, stop: () => server.stop() };
    },
  },
  rabbitmq: { about: "Debian's package, its defaults", start: startRabbit },
};

async function startRedis(fsync: string): Promise<Broker> {
  const nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', fsync] });
  return { url: nodes.urls[0] ?? '', pid: nodes.nodes[0]?.pid ?? Number.NaN, stop: () => nodes.stop() };
}

const RABBIT = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const STARTS_WITHIN = 120_000;

/** All of its process group ends when the other end of standard input is gone. */
const UNDER_WATCH = 'epmd -port "$ERL_EPMD_PORT" & "$@" & cat > /dev/null; kill -9 0';

async function startRabbit(): Promise<Broker> {
  await installRabbit();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rabbitmq-'));
  const [port, distribution, names] = await freePorts(3);
  const shell = spawn('sh', ['-c', UNDER_WATCH, 'holdfast-rabbitmq', RABBIT], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HOME: folder,
      ERL_EPMD_PORT: `${names}`,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `holdfast-${process.pid}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: `${port}`,
      RABBITMQ_DIST_PORT: `${distribution}`,
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: join(folder, 'config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_FEATURE_FLAGS_FILE: join(folder, 'flags'),
    },
  });
  const ended = once(shell, 'exit');
  const stop = async (): Promise<void> => {
    shell.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (data) => (output += data));
  const until = performance.now() + STARTS_WITHIN;
  while (!/Starting broker\.\.\. completed/.test(output)) {
    if (performance.now() > until || shell.exitCode !== null) {
      await stop();
      throw new Error(`RabbitMQ does not start:\n${output.slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: `amqp://guest:guest@127.0.0.1:${port}`, pid: shell.pid ?? Number.NaN, stop };
}

/** Does not run it to see whether it is there: that would start a name service for the whole machine, which stays. */
async function installRabbit(): Promise<void> {
  if (existsSync(RABBIT)) return;
  const others = new URL('../../../../scripts/others.mjs', import.meta.url);
  const { debianProgram } = (await import(others.href)) as {
    debianProgram(program: string, name: string): string;
  };
  debianProgram(RABBIT, 'rabbitmq-server');
}

export function rabbitVersion(): string {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '$' + '{Version}', 'rabbitmq-server'], {
    encoding: 'utf8',
  });
  return stdout || 'unknown';
}

/** Different ones that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => Number(Reflect.get(server.address() ?? {}, 'port')));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Of a clock tick, as Linux says it to programs. */
const TICK_IN_MICROSECONDS = 10_000;

/**
 * CPU time of a process, of its living children and of those that have ended, in microseconds. NaN where there is no /proc.
 */
export function cpuOfTree(root: number): number {
  const ticks = new Map<number, number>();
  const children = new Map<number, number[]>();
  let entries: readonly string[];
  try {
    entries = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return Number.NaN;
  }
  for (const entry of entries) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [parent, ...times] = [fields[1], ...fields.slice(11, 15)].map(Number);
      ticks.set(
        Number(entry),
        times.reduce((sum, time) => sum + time, 0),
      );
      children.set(parent ?? 0, [...(children.get(parent ?? 0) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile: its time is its parent's by now.
    }
  }
  const sumOf = (pid: number): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + sumOf(child), ticks.get(pid) ?? 0);
  return sumOf(root) * TICK_IN_MICROSECONDS;
}
