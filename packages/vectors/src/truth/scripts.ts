/** The scripts of an index: one Lua file a verb, in one library for all indexes. */
import { type Script, ScriptLibrary, SERVER_VARIABLES } from '@holdfast/redis';
import { KEYSPACE } from '../keys.js';

const VERBS = [
  'open',
  'put',
  'delete',
  'changes',
  'glance',
  'purge',
  'begin',
  'vector',
  'advance',
  'cut',
  'retire',
  'drop',
] as const;

type ScriptName = (typeof VERBS)[number];

/** The scripts that take up memory for good. All others also run when it is full. */
const ADDING: readonly ScriptName[] = ['put', 'vector'];

const library = ScriptLibrary.from(new URL('../../lua/', import.meta.url), VERBS, {
  prelude: SERVER_VARIABLES,
  keyspace: KEYSPACE,
  allowOom: VERBS.filter((name) => !ADDING.includes(name)),
});

export const scripts: readonly Script[] = [...library.scripts.values()];

export const scriptOf = (name: ScriptName): Script => library.scripts.get(name) as Script;
