/**
 * `holdfast queue`: looks at task queues and operates them.
 *
 * Guarantees: `ls`, `metrics`, `show` and `tail` change nothing. A command that does not know the queue says so, instead of showing
 * an empty one.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createQueue,
  listQueues,
  metricsText,
  type Queue,
  type QueueEvent,
  type TaskInfo,
  type TaskState,
} from '@holdfast/queue';
import { type Arguments, masked } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { formatDuration } from '../durations.js';
import { EXIT } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { JSON_OUTPUT, LIMIT, LISTEN, REDIS, STATE } from '../options.js';
import { renderTable } from '../table.js';

interface Call {
  readonly args: Arguments;
  readonly context: Context;
  readonly queue: Queue;
}

const ACTIONS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  show,
  tail,
  retry,
  pause: async (call) => {
    await call.queue.pause();
    return say(call, { paused: call.queue.name }, `"${call.queue.name}" gives no tasks until it is resumed.`);
  },
  resume: async (call) => {
    await call.queue.resume();
    return say(call, { resumed: call.queue.name }, `"${call.queue.name}" gives tasks again.`);
  },
  purge: async (call) => {
    const state = stateOf(call.args, 'dead');
    if (state === 'active' || state === 'completed')
      throw call.args.wrong(`tasks that are ${state} cannot be purged`);
    const removed = await call.queue.purge(state);
    return say(call, { removed }, `${removed} ${state} tasks were removed.`);
  },
};

export const queue: Command = {
  name: 'queue',
  summary: 'Look at task queues, and operate them.',
  synopsis: 'queue <action> [<queue> [<id>]] [options]',
  about: `  ls                  all queues, with the numbers of their tasks
  metrics             the same for Prometheus or KEDA, once or served (--listen)
  show <queue> [id]   the tasks in one state (--state), or one task
  tail <queue>        what happens, a line each, until Ctrl-C
  retry <queue> [id]  lets a dead letter be tried again, or all of them
  pause <queue>       gives no tasks to workers, until "resume"
  resume <queue>      ends the pause
  purge <queue>       removes all tasks in one state (--state; default dead)`,
  options: [REDIS, STATE, LIMIT, LISTEN, JSON_OUTPUT],
  shared: [],
  exitCodes: [
    ['0', 'done'],
    ['64', 'the command line is wrong, or there is no such queue or task'],
    ['69', 'Redis did not answer'],
  ],
  example: 'holdfast queue show images --state dead --redis redis://127.0.0.1:6379',

  async run(args, context) {
    const [action = '', name] = args.positionals;
    const [redis] = args.addresses(REDIS) ?? [];
    if (redis === undefined) throw args.wrong('no Redis: give --redis redis://host:port or set REDIS_URL');
    if (action === 'ls') return list(redis, args, context);
    if (action === 'metrics') return measure(redis, args, context);
    const act = ACTIONS[action];
    if (act === undefined) {
      throw args.wrong(`say ls, metrics, ${Object.keys(ACTIONS).join(', ')}; got "${masked(action)}"`);
    }
    if (name === undefined) throw args.wrong('the name of the queue is missing');
    if (!(await listQueues({ redis })).includes(name)) {
      throw args.wrong(`there is no queue "${masked(name)}"; "holdfast queue ls" shows those that there are`);
    }
    await using opened = createQueue({ redis, name });
    return await act({ args, context, queue: opened });
  },
};

async function list(redis: string, args: Arguments, { stdout }: Context): Promise<number> {
  args.requirePositionals('action');
  const rows = await Promise.all(
    (await listQueues({ redis })).map(async (name) => {
      await using opened = createQueue({ redis, name });
      return { name, ...(await opened.counts()) };
    }),
  );
  const columns = ['queue', 'waiting', 'active', 'delayed', 'dead', 'completed', 'oldest', 'workers', ''];
  const table = rows.map(({ name, waiting, active, delayed, dead, completed, oldest, workers, paused }) => [
    ...[name, waiting, active, delayed, dead, completed].map(String),
    ...[formatDuration(oldest), String(workers), paused ? 'paused' : ''],
  ]);
  stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(rows) : renderTable([columns, ...table])}\n`);
  return EXIT.ok;
}

/** Of all queues that there are at that moment. */
async function measure(redis: string, args: Arguments, context: Context): Promise<number> {
  args.requirePositionals('action');
  const read = async (): Promise<string> => {
    const queues = (await listQueues({ redis })).map((name) => createQueue({ redis, name }));
    try {
      return await metricsText(queues);
    } finally {
      await Promise.all(queues.map((opened) => opened.close()));
    }
  };
  const port = args.count(LISTEN, 0, 65_535);
  const text = await read();
  if (port === undefined) {
    context.stdout.write(text);
    return EXIT.ok;
  }
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    read().then(
      (body) => response.setHeader('content-type', 'text/plain; version=0.0.4').end(body),
      () => response.writeHead(503).end('Redis did not answer.\n'),
    );
  });
  const interruption = new Interruption(context.signals);
  try {
    server.listen(port);
    await once(server, 'listening');
    const { port: bound } = server.address() as AddressInfo;
    context.stdout.write(`metrics at http://127.0.0.1:${bound}/metrics\n`);
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
  } finally {
    interruption.end();
    server.closeAllConnections();
    server.close();
  }
  return EXIT.ok;
}

async function show({ args, context, queue: shown }: Call): Promise<number> {
  const [, , id] = args.positionals;
  if (id !== undefined) {
    const task = await shown.get(id);
    if (task === undefined) throw args.wrong(`there is no task "${masked(id)}" in "${shown.name}"`);
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(task) : describe(task)}\n`);
    return EXIT.ok;
  }
  const state = stateOf(args, 'waiting');
  const { tasks } = await shown.list(state, { limit: args.count(LIMIT, 1, 1_000) ?? 20 });
  const rows = tasks.map((task) => [
    task.id,
    task.key ?? '',
    short(task),
    task.errors?.at(-1)?.message ?? '',
  ]);
  const table = renderTable([
    ['id', 'key', state === 'completed' ? 'result' : 'data', 'last error'],
    ...rows,
  ]);
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(tasks) : table}\n`);
  return EXIT.ok;
}

async function tail({ args, context, queue: followed }: Call): Promise<number> {
  const interruption = new Interruption(context.signals);
  try {
    for await (const event of followed.events({ signal: interruption.signal })) {
      const line = args.has(JSON_OUTPUT)
        ? JSON.stringify(event)
        : `${event.kind.padEnd(9)}  ${event.id}  ${detailOf(event)}`;
      context.stdout.write(`${line.trimEnd()}\n`);
    }
  } finally {
    interruption.end();
  }
  return EXIT.ok;
}

async function retry(call: Call): Promise<number> {
  const [, , id] = call.args.positionals;
  if (id !== undefined) {
    if (await call.queue.requeue(id)) return say(call, { requeued: 1 }, `${id} is tried again.`);
    throw call.args.wrong(`there is no dead letter "${masked(id)}" in "${call.queue.name}"`);
  }
  let requeued = 0;
  for (let before = -1; requeued > before; ) {
    before = requeued;
    const { tasks } = await call.queue.list('dead', { limit: 500 });
    for (const task of tasks) if (await call.queue.requeue(task.id)) requeued += 1;
  }
  return say(call, { requeued }, `${requeued} dead letters are tried again.`);
}

const STATES: readonly TaskState[] = ['waiting', 'active', 'delayed', 'dead', 'completed'];

function stateOf(args: Arguments, initial: TaskState): TaskState {
  const text = args.text(STATE) ?? initial;
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw args.wrong(`--state is one of ${STATES.join(', ')}; got "${masked(text)}"`);
  return state;
}

function say({ args, context }: Call, json: object, words: string): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}

const short = ({ state, data, result }: TaskInfo): string => {
  const text = JSON.stringify(state === 'completed' ? result : data) ?? '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function detailOf(event: QueueEvent): string {
  if (event.kind === 'completed') return JSON.stringify(event.result);
  return event.kind === 'progress' ? JSON.stringify(event.progress) : event.reason;
}

function describe({ errors = [], ...task }: TaskInfo): string {
  const rows = Object.entries(task).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const failures = errors.map(({ attempt, at, worker, message }) => [
    ...[String(attempt), new Date(at).toISOString(), worker, message],
  ]);
  const table = renderTable(rows.map((row) => row.map((cell) => cell ?? '')));
  if (failures.length === 0) return table;
  return `${table}\n\n${renderTable([['attempt', 'at', 'worker', 'error'], ...failures])}`;
}
