/**
 * The options of the command line, and their checks.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { MisuseError } from '@holdfast/kernel';
import type { Persistence } from './deployment/deployment.js';

export const HELP = `Usage: npm run faults -- [locks] [options]
       npm run faults -- queue [options]
       npm run faults -- workflow [options]
       npm run faults -- features [options]
       npm run faults -- vectors [options]
       npm run faults -- check FOLDER...
       npm run faults -- peers [--minutes N] [--seed N]

Runs client processes against real servers under real faults, records what the clients see, and judges it.

  locks    clients take leases (the default)
  queue    clients add and handle tasks, on one server that keeps what it acknowledges (quorum), or on one
           with replicas that take over (sentinel, cluster)
  workflow clients start runs and let them go on, on servers as those of the queue; where replicas take over,
           every second episode asks for their word
  features clients land, count, read and export features and build generations, on one server, which in every
           second stage forgets its last second with its power (quorum), or with replicas that take
           over (sentinel, cluster)
  vectors  clients put, delete and search documents of an index of vectors, on servers as those of features
  check    judges the kept histories in and below the folders again, without running anything
  peers    puts other libraries under the same faults, for N minutes each (default 4)

  --minutes N          how long to run; default 2
  --episodes N         at most N episodes; default no limit
  --first N            the number of the first episode; default 1
  --seed S             the seed of schedules and traffic; default random, and printed
  --topology NAME      quorum, sentinel or cluster; default quorum
  --nodes N            nodes of a quorum; default 5
  --clients N          client processes; default 4
  --workers N          how many things each client does at a time; default 3
  --persistence NAME   none, everysec, synchronous, or mixed, which changes from stage to stage; default mixed
  --folder PATH        where the evidence of a violation is kept; default faults-found
  --keep               also keeps the histories of episodes without a violation
  --json FILE          writes the totals as JSON
  --markdown FILE      writes the totals as tables
  --help               shows this help

Exits with 1 if anything was violated or an episode could not be carried out, and with 2 if the arguments are wrong.
`;

const OPTIONS = {
  minutes: { type: 'string', default: '2' },
  episodes: { type: 'string', default: '1000000' },
  first: { type: 'string', default: '1' },
  seed: { type: 'string' },
  topology: { type: 'string', default: 'quorum' },
  nodes: { type: 'string', default: '5' },
  clients: { type: 'string', default: '4' },
  workers: { type: 'string', default: '3' },
  persistence: { type: 'string', default: 'mixed' },
  folder: { type: 'string', default: 'faults-found' },
  keep: { type: 'boolean', default: false },
  json: { type: 'string' },
  markdown: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const TOPOLOGIES = ['quorum', 'sentinel', 'cluster'] as const;
const PERSISTENCES = ['none', 'everysec', 'synchronous', 'mixed'] as const;

const SUBJECTS = ['locks', 'queue', 'workflow', 'features', 'vectors'] as const;

export interface Call {
  /** The part of Holdfast that is put under faults. */
  readonly subject: (typeof SUBJECTS)[number];
  readonly minutes: number;
  readonly episodes: number;
  readonly first: number;
  readonly seed: string;
  readonly topology: (typeof TOPOLOGIES)[number];
  readonly nodes: number;
  readonly clients: number;
  readonly workers: number;
  readonly persistence: Persistence | 'mixed';
  readonly folder: string;
  readonly keep: boolean;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
}

/** The folders whose histories are to be judged again, or undefined if that was not asked for. */
export function readFolders([command, ...folders]: readonly string[]): readonly string[] | undefined {
  if (command !== 'check') return undefined;
  const option = folders.find((word) => word.startsWith('-'));
  if (folders.length > 0 && option === undefined) return folders;
  throw new MisuseError(`"check" takes folders and no options; got "${option ?? ''}". See --help.`);
}

/** How to compare the peers, or undefined if that was not asked for. */
export function readPeers([command, ...args]: readonly string[]):
  | { minutes: number; seed: number }
  | undefined {
  if (command !== 'peers') return undefined;
  const { values } = read([...args]);
  return {
    minutes: args.includes('--minutes') ? number('minutes', values.minutes, { min: 0.01, max: 1_000 }) : 4,
    seed: whole('seed', values.seed ?? '1', { min: 1, max: 1_000_000_000 }),
  };
}

/** Undefined if only help was asked for. Throws MisuseError. */
export function readCall(args: string[], drawSeed: () => string): Call | undefined {
  const subject = SUBJECTS.find((known) => known === args[0]);
  const { values } = read(subject === undefined ? args : args.slice(1));
  if (values.help) return undefined;
  return {
    subject: subject ?? 'locks',
    minutes: number('minutes', values.minutes, { min: 0.01, max: 100_000 }),
    episodes: whole('episodes', values.episodes, { min: 1, max: 1_000_000 }),
    first: whole('first', values.first, { min: 1, max: 1_000_000 }),
    seed: values.seed ?? drawSeed(),
    topology: oneOf('topology', values.topology, TOPOLOGIES),
    nodes: whole('nodes', values.nodes, { min: 1, max: 9 }),
    clients: whole('clients', values.clients, { min: 1, max: 50 }),
    workers: whole('workers', values.workers, { min: 1, max: 50 }),
    persistence: oneOf('persistence', values.persistence, PERSISTENCES),
    folder: values.folder,
    keep: values.keep,
    json: values.json,
    markdown: values.markdown,
  };
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (cause) {
    throw new MisuseError(`${cause instanceof Error ? cause.message : cause} See --help.`, { cause });
  }
}

interface Limits {
  readonly min: number;
  readonly max: number;
}

function number(name: string, text: string, { min, max }: Limits): number {
  const value = Number(text);
  if (text !== '' && value >= min && value <= max) return value;
  throw new MisuseError(`--${name} must be a number from ${min} to ${max}; got "${text}".`);
}

function whole(name: string, text: string, limits: Limits): number {
  const value = number(name, text, limits);
  if (Number.isInteger(value)) return value;
  throw new MisuseError(`--${name} must be a whole number; got "${text}".`);
}

function oneOf<T extends string>(name: string, text: string, names: readonly T[]): T {
  const found = names.find((known) => known === text);
  if (found !== undefined) return found;
  throw new MisuseError(`--${name} must be one of ${names.join(', ')}; got "${text}".`);
}

/** The seed of one episode, so that it can be repeated without the others. */
export function seedOf(seed: string, episode: number | string): number {
  return createHash('sha256').update(`${seed}:${episode}`).digest().readUInt32LE();
}
