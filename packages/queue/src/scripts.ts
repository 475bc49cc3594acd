/**
 * The scripts of the queue: one Lua file a verb, in one library for all queues.
 */
import { type Script, ScriptLibrary } from '@holdfast/redis';

const lua = (name: string): URL => new URL(`../lua/${name}.lua`, import.meta.url);

/** What server.lua keeps between calls. */
const PRELUDE = 'local RUN_ID, SERVER, ASKED_AT, REPLICAS, IS_ALONE';

const [queue, server, deliveries, reap] = [lua('queue'), lua('server'), lua('deliveries'), lua('reap')];
const [known, push, attended] = [lua('known'), lua('push'), lua('attended')];
const lines = [push, lua('paced'), lua('lines')];

const FILES = {
  add: [queue, known, push, lua('add')],
  put: [queue, known, ...lines, lua('room'), lua('same'), lua('put')],
  enter: [queue, lua('enter')],
  exists: [queue, lua('exists')],
  open: [queue, known, attended, lua('open')],
  epoch: [queue, server, lua('epoch')],
  confirm: [queue, server, lua('confirm')],
  work: [
    ...[
      queue,
      server,
      deliveries,
      attended,
      ...lines,
      lua('ended'),
      lua('settle'),
      lua('effects'),
      lua('endings'),
    ],
    ...[lua('retention'), reap, lua('window'), lua('pace'), lua('entries'), lua('returned')],
    ...[lua('sleep'), lua('work')],
  ],
  reconcile: [queue, server, deliveries, lua('reconcile')],
  renew: [queue, server, attended, lua('renew')],
  close: [queue, deliveries, ...lines, reap, lua('close')],
  progress: [queue, deliveries, lua('progress')],
  find: [queue, lua('find')],
  last: [queue, lua('last')],
  count: [queue, lua('count')],
  list: [queue, lua('pages'), lua('list')],
  remove: [queue, ...lines, lua('same'), lua('take'), lua('remove')],
  requeue: [queue, ...lines, lua('requeue')],
  schedule: [queue, known, lua('schedule')],
  time: [queue, lua('time')],
  schedules: [queue, lua('schedules')],
  tick: [queue, ...lines, lua('tick')],
  hurry: [queue, ...lines, lua('hurry')],
  hold: [queue, known, lua('hold')],
  obliterate: [queue, lua('obliterate')],
};

type ScriptName = keyof typeof FILES;

/** What takes up memory for good. All else goes on where it is full, so that a full queue can be worked off. */
const ADDING: readonly ScriptName[] = ['add', 'put', 'schedule', 'tick'];

const names = Object.keys(FILES) as ScriptName[];
const files = Object.entries(FILES).map(([name, parts]) => [name, [lua('keys'), ...parts]] as const);
const library = new ScriptLibrary(PRELUDE, Object.fromEntries(files), {
  allowOom: names.filter((name) => !ADDING.includes(name)),
});

export const scripts: readonly Script[] = [...library.scripts.values()];

export const scriptOf = (name: ScriptName): Script => library.scripts.get(name) as Script;
