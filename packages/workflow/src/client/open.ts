/**
 * An app without its functions, for programs that look at its runs and operate them, such as the command line.
 *
 * Guarantees: nothing is made that is not there. What an app has is read once, when it is opened: its partitions, and the names
 * of its workflows. What is sent to its runs is checked by no schema, because those are with the programs that define them.
 */
import { MisuseError, readOptions } from '@holdfast/kernel';
import { defineWorkflow } from '../define.js';
import { Agreement } from '../store/agreement.js';
import { behindCodec } from '../store/coded-store.js';
import { type AppPlace, redisStores } from '../store/partitions.js';
import { RedisStore } from '../store/redis-store.js';
import type { Store } from '../store/store.js';
import { type AppSettings, OPEN, type WorkflowsOptions } from './options.js';
import { App, type Workflows } from './workflows.js';

export type OpenOptions = Omit<WorkflowsOptions, 'workflows' | 'partitions' | 'archive'>;

/** It does not work: that takes the functions. */
export interface OpenedWorkflows extends Omit<Workflows, 'work'> {
  /** The names of its workflows, in order: those that have had a worker, a run or limits when it was opened. */
  readonly names: readonly string[];
}

/**
 * Opens an app by its name, without its functions: its calls take the names of its workflows. Throws MisuseError if there is no
 * such app, UnavailableError.
 */
export async function openWorkflows(options: OpenOptions): Promise<OpenedWorkflows> {
  const { redis, tls, prefix, callTimeout, replicas, codec, ...settings } = readOptions(
    'openWorkflows',
    options,
    OPEN,
  );
  const { name: app, clock } = settings;
  const place: AppPlace = { redis, tls, prefix, callTimeout, replicas, app, clock };
  const partitions = await partitionsOf(place);
  if (partitions === 0) {
    throw new MisuseError(
      `There is no workflow app "${app}"${prefix === '' ? '' : ` with the prefix "${prefix}"`} on this Redis; name another, or start a worker of it first.`,
    );
  }
  const stores = redisStores({ ...place, partitions });
  try {
    const known = await Promise.all(stores.map((store) => store.known()));
    const names = [...new Set(known.flatMap(({ workflows }) => workflows))].sort();
    return new OpenedApp(behindCodec(stores, codec, clock), settings, names);
  } catch (error) {
    for (const store of stores) store.shut();
    throw error;
  }
}

class OpenedApp extends App implements OpenedWorkflows {
  readonly names: readonly string[];

  constructor(
    stores: readonly Store[],
    settings: Omit<AppSettings, 'workflows' | 'archive'>,
    names: readonly string[],
  ) {
    super(stores, {
      ...settings,
      archive: undefined,
      workflows: names.map((name) => defineWorkflow({ name }, refuse)),
    });
    this.names = names;
  }

  override work(): never {
    refuse();
  }
}

/** Throws MisuseError. */
function refuse(): never {
  throw new MisuseError('An app that was opened by its name does not work: use createWorkflows() for that.');
}

/** 0 if there is no app. */
async function partitionsOf(place: AppPlace): Promise<number> {
  const agreement = new Agreement(place.app, 1, async () => 1); // what is asked here does not depend on it
  const first = new RedisStore({ ...place, partition: 0, agreement });
  try {
    return (await first.known()).partitions;
  } finally {
    first.shut();
  }
}
