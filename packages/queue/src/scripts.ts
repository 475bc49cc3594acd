/**
 * The scripts of the queue: one Lua file for each verb, in one library for all queues.
 */
import { type Script, ScriptLibrary, SERVER_VARIABLES } from '@holdfast/redis';
import { KEYSPACE } from './keys.js';

const VERBS = [
  'add',
  'put',
  'guarded',
  'fan',
  'gathered',
  'enter',
  'limits',
  'exists',
  'open',
  'epoch',
  'confirm',
  'work',
  'fetch',
  'finish',
  'reconcile',
  'renew',
  'close',
  'rouse',
  'progress',
  'log',
  'logged',
  'find',
  'last',
  'count',
  'list',
  'remove',
  'cancel',
  'change',
  'release',
  'weigh',
  'requeue',
  'schedule',
  'time',
  'schedules',
  'tick',
  'run',
  'hurry',
  'hold',
  'announce',
  'obliterate',
] as const;

type ScriptName = (typeof VERBS)[number];

/**
 * The scripts that take up memory for good. All others also run when it is full, so that the backlog can be worked off.
 */
const ADDING: readonly ScriptName[] = ['add', 'put', 'guarded', 'fan', 'change', 'schedule', 'tick', 'run'];

const library = ScriptLibrary.from(new URL('../lua/', import.meta.url), VERBS, {
  prelude: SERVER_VARIABLES,
  keyspace: KEYSPACE,
  allowOom: VERBS.filter((name) => !ADDING.includes(name)),
});

export const scripts: readonly Script[] = [...library.scripts.values()];

export const scriptOf = (name: ScriptName): Script => library.scripts.get(name) as Script;
