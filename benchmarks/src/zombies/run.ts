/**
 * `npm run bench -- zombies`: what a worker still does that was frozen while another took its run over. Engines of durable
 * programs take turns; each is given the same program.
 *
 * Guarantees: whatever happens, `stop` ends the servers and every process that was started. The moments at which workers
 * are frozen come from a seed, which is printed.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { seededRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { turns } from '../harness/turns.js';
import { manifestOf } from '../versions.js';
import { type Counts, Schedules } from './schedules.js';
import type { Servers } from './subjects/subject.js';
import { subjects } from './subjects/subjects.js';
import { reportZombies } from './tables.js';

/** Of a round, for a subject whose share is 1. */
const SCHEDULES = 200;

export const zombies: Benchmark = {
  about: 'what frozen workers still write that have lost their runs, beside BullMQ, DBOS and LangGraph.js',
  workloads: ['freeze'],
  open: (call) => new ZombiesRun(call),
};

class ZombiesRun implements Run {
  readonly #call: Call;
  #nodes: LocalNodes | undefined;
  #postgres: LocalPostgres | undefined;
  #redis: Redis | undefined;
  #running: Schedules | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { rounds, quick, progress, command } = this.#call;
    const environment = describeMachine();
    const { servers, redis } = await this.#open();
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
    environment['seed'] = String(seed);
    for (const { name, package: from } of subjects) if (from) environment[name] = manifestOf(from).version;
    const results = new Map<string, Counts[]>(subjects.map(({ name }) => [name, []]));
    const random = seededRandom(seed);
    for (let round = 0; round < rounds; round += 1) {
      for (const subject of turns(subjects, round)) {
        const schedules = Math.max(1, Math.round((quick ? 10 : SCHEDULES) * subject.share));
        progress(`round ${round + 1}: ${subject.name}, ${schedules} schedules`);
        this.#running = new Schedules(subject, { servers, redis, random });
        const name = `${subject.name.replaceAll(/\W/g, '')}-${round}`;
        results.get(subject.name)?.push(await this.#running.run(schedules, name));
        await this.#running.stop();
      }
    }
    await this.stop();
    return reportZombies(results, { environment, command });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#redis?.disconnect();
    await Promise.all([this.#nodes?.stop(), this.#postgres?.stop()]);
  }

  async #open(): Promise<{ servers: Servers; redis: Redis }> {
    this.#nodes = await startNodes(1);
    this.#postgres = await startPostgres();
    const [redis = ''] = this.#nodes.urls;
    await using guard = createRedisGuard({ redis });
    await guard.initialize();
    this.#redis = new Redis(redis);
    return { servers: { redis, postgres: this.#postgres.url }, redis: this.#redis };
  }
}
