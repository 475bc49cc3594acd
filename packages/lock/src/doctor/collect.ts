/**
 * Reads the facts about the nodes of a deployment.
 *
 * Guarantees: only reads, on every node at the same time. Facts for which the user lacks the rights are left out. A
 * node that is away, refuses or does not answer becomes a fact like the others, after some three seconds at the latest
 * for the connection and `callTimeout` for each request; it never makes this reject. Connections are closed when this
 * resolves.
 */
import type { ConnectionOptions } from 'node:tls';
import { type Clock, pause, within } from '@holdfast/kernel';
import {
  type Connection,
  connect,
  type NodeSource,
  parseAddress,
  type Reply,
  reasonOf,
} from '@holdfast/redis';
import type { Deployment } from '../deployment.js';
import type {
  ClockFacts,
  ConfigFacts,
  Facts,
  NodeFacts,
  RecordFacts,
  SlowCommand,
  Trouble,
} from './facts.js';
import { readInfo } from './info.js';
import { type Ask, collectRights } from './rights.js';

/** How long connecting may take, in ms: longer than the client library allows, so that its own reason is reported. */
const CONNECT_LIMIT = 2_500;
/** The reason that a connection gives while it has not failed so far. */
const NOT_YET = 'not connected yet';
/** How often the time and a PING are asked for: the quickest answer gives the most exact time. */
const TIME_SAMPLES = 3;
const PING_SAMPLES = 5;
/** How old a slow command may be, in ms. */
const SLOW_AGE = 3_600_000;

export interface Examination {
  /** URLs, or clients of the program's. */
  readonly addresses: readonly NodeSource[];
  readonly tls?: ConnectionOptions | undefined;
  readonly deployment: Deployment;
  readonly callTimeout: number;
  readonly clock: Clock;
  /** Whether an even number of nodes is intended. */
  readonly allowEven: boolean;
}

/** Examines all nodes. Throws MisuseError if no client library is installed. */
export async function collect(examination: Examination): Promise<Facts> {
  const { addresses, deployment, callTimeout, allowEven } = examination;
  const { name, parameters, quorum, window, quarantine } = deployment;
  const nodes = await Promise.all(addresses.map((address) => examine(address, examination)));
  return { deployment: { name, parameters, quorum, window, quarantine, callTimeout, allowEven }, nodes };
}

/** One connection to one node, with the limit on each request. */
class Patient {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #limit: number;

  constructor(connection: Connection, { clock, callTimeout }: Examination) {
    this.#connection = connection;
    this.#clock = clock;
    this.#limit = callTimeout;
  }

  readonly ask: Ask = (command, ...args) => {
    const { unready } = this.#connection;
    if (unready !== undefined) return Promise.reject(new Away(unready));
    const late = `did not answer within ${this.#limit} ms`;
    return within(this.#clock, this.#limit, this.#connection.send(command, args), late).catch((error) => {
      const reason = reasonOf(error);
      throw reason === late || this.#connection.unready !== undefined ? new Away(reason) : error;
    });
  };

  /** The answer, or undefined if the server refuses. Rejects if the node is away. */
  async allowed(command: string, ...args: readonly string[]): Promise<Reply | undefined> {
    return this.ask(command, ...args).catch(orAbsent);
  }

  /** How long each of several PINGs took, shortest first. */
  async latency(): Promise<readonly number[]> {
    const times: number[] = [];
    for (let sample = 0; sample < PING_SAMPLES; sample += 1) {
      const asked = this.#clock.now();
      await this.ask('PING');
      times.push(rounded(this.#clock.now() - asked));
    }
    return times.sort((a, b) => a - b);
  }

  /** The node's clock beside ours, by the quickest of several answers; the time itself in microseconds. */
  async clock(): Promise<{ readonly facts: ClockFacts; readonly time: number }> {
    const samples: { facts: ClockFacts; time: number }[] = [];
    for (let sample = 0; sample < TIME_SAMPLES; sample += 1) {
      const [asked, wall] = [this.#clock.now(), this.#clock.wall()];
      const [seconds, micros] = (await this.ask('TIME')) as readonly string[];
      const uncertainty = (this.#clock.now() - asked) / 2;
      const time = Number(seconds) * 1e6 + Number(micros);
      const ahead = (time - wall) / 1000 - uncertainty;
      samples.push({ facts: { ahead: rounded(ahead), uncertainty: rounded(uncertainty) }, time });
    }
    samples.sort((a, b) => a.facts.uncertainty - b.facts.uncertainty);
    return samples[0] as (typeof samples)[0];
  }
}

/** The node cannot be asked any more. */
class Away extends Error {}

/** For a catch: a refused answer counts as absent; a node that is away has refused nothing. */
function orAbsent(error: unknown): undefined {
  if (error instanceof Away) throw error;
}

async function examine(address: NodeSource, examination: Examination): Promise<NodeFacts> {
  const { deployment, clock, callTimeout, tls } = examination;
  const connection = connect(address, { tls, key: deployment.recordKey });
  const { username, ...known } = namesOf(address, connection);
  const limit = Math.max(callTimeout, CONNECT_LIMIT);
  const ended = new AbortController();
  try {
    await Promise.race([connection.open(), pause(clock, limit, ended.signal)]);
    if (connection.unready === NOT_YET)
      return { ...known, trouble: await whyNotYet(connection, limit, examination) };
    const facts = await read(new Patient(connection, examination), deployment, known.via === 'cluster');
    const rights = facts.rights && { ...facts.rights, user: facts.rights.user ?? username };
    return { ...known, ...facts, rights };
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    return { ...known, trouble: troubleOf(error.message) };
  } finally {
    ended.abort();
    connection.close();
  }
}

/** Of a client of the program's, nothing is known but where it leads. */
function namesOf(address: NodeSource, connection: Connection): NodeFacts & { readonly username?: string } {
  if (typeof address !== 'string') return { node: connection.address };
  const { display, host, path, via, username } = parseAddress(address);
  return {
    node: display,
    host: path === undefined ? host : 'localhost',
    via: via?.kind,
    ...(username !== undefined && { username }),
  };
}

/** Measures times one by one, and asks for everything else at once, so that a distant node does not take long. */
async function read(node: Patient, deployment: Deployment, inCluster: boolean): Promise<Partial<NodeFacts>> {
  const latency = await node.latency().catch(orAbsent);
  const clock = await node.clock().catch(orAbsent);
  const [info, config, record, functions, rights, slowest] = await Promise.all([
    node.allowed('INFO'),
    readConfig(node),
    readRecord(node, deployment.recordKey, clock?.time),
    hasFunctions(node),
    collectRights(node.ask, deployment.root, inCluster),
    readSlowLog(node, clock?.time),
  ]);
  const server = info === undefined ? undefined : readInfo(String(info));
  return { server, config, ...record, clock: clock?.facts, latency, functions, rights, slowest };
}

/** One setting per request: several at once need Redis 7, and asking for all would bring passwords along. */
async function readConfig(node: Patient): Promise<ConfigFacts | undefined> {
  const names = ['appendfsync', 'save', 'stop-writes-on-bgsave-error', 'min-replicas-to-write'];
  const replies = await Promise.all(names.map((name) => node.allowed('CONFIG', 'GET', name)));
  if (!replies.every((reply) => Array.isArray(reply) && reply.length === 2)) return undefined;
  const [fsync, save, stops, replicas] = replies.map((reply) => String((reply as readonly Reply[])[1]));
  return {
    appendFsync: fsync ?? '',
    save: save ?? '',
    stopsWritesWhenSaveFails: stops === 'yes',
    minReplicasToWrite: Number(replicas),
  };
}

/** `time` is the node's, in microseconds. */
async function readRecord(
  node: Patient,
  key: string,
  time: number | undefined,
): Promise<Pick<NodeFacts, 'record' | 'recordRefused'>> {
  const fields = ['parameters', 'server', 'votes_from', 'also'];
  try {
    const reply = (await node.ask('HMGET', key, ...fields)) as readonly Reply[];
    const [parameters, server, votesFrom, also] = reply;
    if (typeof parameters !== 'string') return { record: 'none' };
    const votesIn = time === undefined ? 0 : rounded((Number(votesFrom) - time) / 1000);
    const changing = typeof also === 'string' && { also };
    const record: RecordFacts = { parameters, server: String(server), votesIn, ...changing };
    return { record };
  } catch (error) {
    orAbsent(error);
    return { recordRefused: reasonOf(error) };
  }
}

/** Finds out by calling a function that does not exist. */
async function hasFunctions(node: Patient): Promise<boolean | undefined> {
  const words = await node.ask('FCALL', 'holdfast_doctor', '0').then(String, (error: unknown) => {
    orAbsent(error);
    return reasonOf(error);
  });
  if (/Function not found/i.test(words)) return true;
  return /unknown command/i.test(words) ? false : undefined;
}

/** Only the names of commands: their arguments are nobody's business. */
async function readSlowLog(node: Patient, time: number | undefined): Promise<SlowCommand | undefined> {
  const reply = await node.allowed('SLOWLOG', 'GET', '128');
  if (!Array.isArray(reply) || time === undefined) return undefined;
  const commands = (reply as readonly Reply[]).map((entry): SlowCommand => {
    const [, when, took, words] = entry as readonly Reply[];
    const command = String((words as readonly Reply[])[0]).toUpperCase();
    return {
      command,
      took: Number(took) / 1000,
      ago: Math.max(0, Math.round(time / 1000 - Number(when) * 1000)),
    };
  });
  const recent = commands.filter(({ ago }) => ago <= SLOW_AGE);
  return recent.sort((a, b) => b.took - a.took)[0];
}

/** A client library waits while a server loads its data; INFO is answered meanwhile. */
async function whyNotYet(
  connection: Connection,
  waited: number,
  { clock, callTimeout }: Examination,
): Promise<Trouble> {
  const silent: Trouble = { kind: 'silent', reason: `no answer within ${waited} ms` };
  try {
    const info = connection.send('INFO', ['persistence']);
    const text = String(await within(clock, callTimeout, info, silent.reason));
    if (!/^loading:1/m.test(text)) return silent;
    const left = /^loading_eta_seconds:(\d+)/m.exec(text)?.[1];
    return { kind: 'loading', reason: left === undefined ? 'no end is known' : `about ${left} s are left` };
  } catch {
    return silent;
  }
}

function troubleOf(reason: string): Trouble {
  if (/WRONGPASS|NOAUTH|NOPERM|invalid (username|password)|\bAUTH\b/i.test(reason))
    return { kind: 'login', reason };
  if (/\bBUSY\b/.test(reason)) return { kind: 'busy', reason };
  if (/did not answer/.test(reason)) return { kind: 'silent', reason };
  return { kind: 'away', reason };
}

/** To a thousandth of a millisecond. */
const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
