/**
 * The scripts of a partition: one Lua file a verb, in one library for all apps.
 */
import { type Script, ScriptLibrary, SERVER_VARIABLES } from '@holdfast/redis';
import { KEYSPACE } from '../keys.js';

const VERBS = [
  'agree',
  'known',
  'anew',
  'start',
  'declare',
  'hold',
  'open',
  'renew',
  'close',
  'serve',
  'ceiling',
  'confirm',
  'proof',
  'work',
  'commit',
  'advance',
  'read',
  'retoken',
  'tell',
  'find',
  'retry',
  'schedule',
  'schedules',
  'tick',
  'terminate',
  'purge',
  'archive',
  'list',
  'count',
  'page',
  'cached',
  'cache',
  'append',
  'chunks',
  'place',
  'demand',
  'reader',
] as const;

type ScriptName = (typeof VERBS)[number];

/** What lets more in. All else goes on where the server's memory is full, so that runs can end. */
const ADDING: readonly ScriptName[] = ['start', 'tell', 'append', 'cache'];

const library = ScriptLibrary.from(new URL('../../lua/', import.meta.url), VERBS, {
  prelude: SERVER_VARIABLES,
  keyspace: KEYSPACE,
  allowOom: VERBS.filter((name) => !ADDING.includes(name)),
});

export const scripts: readonly Script[] = [...library.scripts.values()];

export const scriptOf = (name: ScriptName): Script => library.scripts.get(name) as Script;
