/**
 * A feature store under faults: processes take its lanes, its generations and its log from each other, on one server that keeps
 * what it acknowledges, on one that forgets its last second with its power, or on one with replicas that take over; then what is
 * left must be what was acknowledged, and each event must be counted once.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exportedRows } from '@holdfast/features/offline';
import { pause, systemClock, UnavailableError } from '@holdfast/kernel';
import { connect, type NodeSource } from '@holdfast/redis';
import { deployOneServer, drawServerFaults } from '../deployment/one-server.js';
import { readHistories } from '../history/read.js';
import type { Subject } from '../subject.js';
import { programBeside } from '../traffic/clients.js';
import { take } from '../traffic/issuer.js';
import { monotonic } from '../traffic/recorder.js';
import { COUNTED, type FeaturesAssignment, type FeaturesRecord, PARTITIONS, ROWS } from './assignment.js';
import { clicks, dueBy, facts, sourceOf, storeOf, userOf } from './definitions.js';
import { duckdb, exportAll } from './export.js';
import { type Found, judgeFeatures } from './judge.js';

const DURATION = 30_000;
/** How long the processes may take to end, and then the store to be whole, in ms. */
const ENDS_WITHIN = 60_000;

export const featuresSubject: Subject<Omit<FeaturesAssignment, 'name' | 'history' | 'seed'>> = {
  stage: 2,

  deploy: deployOneServer,

  prepare(episode) {
    const { number, deployed } = episode;
    const store = `faults-${number}`;
    const [began, time] = [monotonic(), Math.floor(systemClock.wall() / 1_000)];
    const durable = deployed.parameters.persistence === 'synchronous';
    const endsWithin = ENDS_WITHIN + deployed.settling;
    return {
      duration: DURATION,
      program: programBeside(import.meta.url),
      finishWithin: endsWithin,
      assign: (client) => ({
        reach: deployed.reach(client),
        store,
        began,
        time,
        mayForget: !durable,
        exports: client < 1,
      }),
      drawSchedule: (duration) => drawServerFaults(episode, duration),
      async judge(folder) {
        const records = readHistories<FeaturesRecord>(folder);
        const [url = ''] = deployed.reach(0).nodes;
        return judgeFeatures(records, {
          found: await find({ url, store, folder, began, time, endsWithin }),
          durable,
        });
      },
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return `${of('rows accepted')} rows accepted, ${of('rows older')} older, ${of('reads')} reads, ${of('events counted')} events, ${of('generations cut to')} cuts, ${of('rows exported')} exported, ${of('refused because of a higher token')} refused, ${of('rows lost')} lost`;
  },
};

interface Looking {
  readonly url: NodeSource;
  readonly store: string;
  readonly folder: string;
  readonly began: number;
  readonly time: number;
  readonly endsWithin: number;
}

/** Looks where a client looks, when all faults are over: takes in the rest of the source, and exports the rest of the log. */
async function find({ url, store: name, folder, began, time, endsWithin }: Looking): Promise<Found> {
  await using store = storeOf(url, name);
  const deadline = systemClock.now() + endsWithin;
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof UnavailableError) || systemClock.now() > deadline) throw error;
        await pause(systemClock, 200);
      }
    }
  };
  const events = dueBy(began);
  await patiently(() => store.apply());
  await patiently(async () => {
    await using lane = await store.open(clicks, { lane: 'stream', holder: take(folder, 'stream') });
    const parse = (event: unknown) => ({ user: userOf(event as number), at: time });
    await lane.follow(sourceOf(began, events), parse).done();
  });
  const users = Array.from({ length: COUNTED }, (_, n) => userOf(n));
  const windows = await patiently(() => store.rows(clicks, users));
  const ids = Array.from({ length: ROWS }, (_, n) => `k${n}`);
  const rows = await patiently(() => store.rows(facts, ids));
  const { views } = await patiently(() => store.stats());
  const dir = join(folder, 'exported');
  await patiently(() => exportAll(store, dir, take(folder, 'exporter')));
  return {
    rows: new Map(
      rows.flatMap((row, place) =>
        row.time === null
          ? []
          : [[ids[place] ?? '', { time: row.time.getTime(), value: row.values.value ?? '' }]],
      ),
    ),
    counted: (views['facts']?.rows ?? 0) + (views['clicks']?.rows ?? 0),
    scanned: await scan(url, name, [`facts.${views['facts']?.live}`, `clicks.${views['clicks']?.live}`]),
    count: windows.reduce((sum, { values }) => sum + (values.count ?? 0), 0),
    events,
    ...(await readExported(dir)),
  };
}

async function scan(url: NodeSource, store: string, generations: readonly string[]): Promise<number> {
  let found = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const tag = `{feat:${store}.${partition}}`;
    const connection = connect(url, { key: `${tag}:record` });
    await connection.open();
    try {
      for (const generation of generations) {
        const keys = await connection.send('KEYS', [`${tag}:${generation}:*`]);
        found += (keys as readonly unknown[]).length;
      }
    } finally {
      connection.close();
    }
  }
  return found;
}

async function readExported(dir: string): Promise<Pick<Found, 'exported' | 'doubled'>> {
  if (!readdirSync(dir).includes('facts')) return { exported: [], doubled: 0 };
  const { files } = await exportedRows(dir, 'facts');
  const list = files.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ');
  const all = `read_parquet([${list}], union_by_name = true, hive_partitioning = false)`;
  const connection = await duckdb();
  const exported = (await connection.runAndReadAll(`SELECT value FROM ${all}`)).getRowObjectsJS();
  const places = `SELECT count(*) - count(DISTINCT ("@partition", "@epoch", "@place", "@seat")) AS doubled FROM ${all}`;
  const [{ doubled = 0 } = {}] = (await connection.runAndReadAll(places)).getRowObjectsJS();
  return { exported: exported.map(({ value }) => String(value)), doubled: Number(doubled) };
}
