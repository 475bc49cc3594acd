/**
 * The scripts of a feature store: one Lua file a verb, in one library for all stores.
 */
import { type Script, ScriptLibrary, SERVER_VARIABLES } from '@holdfast/redis';
import { KEYSPACE } from '../keys.js';

const VERBS = [
  'pointers',
  'whole',
  'definitions',
  'services',
  'apply',
  'adopt',
  'enter',
  'mirror',
  'open',
  'land',
  'tally',
  'flag',
  'tell',
  'bury',
  'finish',
  'peek',
  'begin',
  'cut',
  'uncut',
  'swap',
  'retire',
  'abandon',
  'pin',
  'unpin',
  'prune',
  'lineup',
  'overdue',
  'survey',
  'stats',
  'close',
  'reopen',
  'drop',
  'erase',
  'forget',
  'inventory',
  'beat',
  'absent',
  'claim',
  'browse',
  'trim',
  'fall',
  'clear',
  'gone',
] as const;

type ScriptName = (typeof VERBS)[number];

/** The scripts that take up memory for good. All others also run when it is full. */
const ADDING: readonly ScriptName[] = ['apply', 'land', 'tally', 'flag', 'bury'];

const library = ScriptLibrary.from(new URL('../../lua/', import.meta.url), VERBS, {
  prelude: SERVER_VARIABLES,
  keyspace: KEYSPACE,
  allowOom: VERBS.filter((name) => !ADDING.includes(name)),
});

export const scripts: readonly Script[] = [...library.scripts.values()];

export const scriptOf = (name: ScriptName): Script => library.scripts.get(name) as Script;
