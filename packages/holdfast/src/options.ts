/**
 * Every option of the command line, once: its name, its environment variable, its default as help shows it, and its
 * meaning. Parsing and help are both made from this table.
 */

export interface Option {
  /** The name of the flag, without dashes. */
  readonly name: string;
  /** The placeholder for the value in help, such as "<duration>". An option without one is a switch. */
  readonly value?: string;
  /** The environment variable that is read when the flag is not given. */
  readonly env?: string;
  /** The default as help shows it; undefined if there is none. */
  readonly default?: string;
  /** Whether a command that knows the option cannot do without it. */
  readonly required?: boolean;
  /** Of an option that says where Redis is, or how it is used: it has no meaning with --server. */
  readonly direct?: 'address' | 'detail';
  readonly about: string;
}

const duration = '<duration>';

export const HELP: Option = { name: 'help', about: 'Show this help.' };

export const JSON_OUTPUT: Option = {
  name: 'json',
  about: 'Write one line of JSON for a script; errors too, as {"code", "message"} on stderr.',
};

export const SERVER: Option = {
  name: 'server',
  value: '<url>',
  env: 'HOLDFAST_SERVER',
  about: 'Work through the Holdfast server at this URL, not on Redis itself.',
};

export const KEY_FILE: Option = {
  name: 'key-file',
  value: '<file>',
  env: 'HOLDFAST_KEY_FILE',
  about:
    'The file that has the API key for the server, and nothing else. Without it, HOLDFAST_KEY is the key.',
};

/** The options of a command that can work through a server. */
export const SERVED: readonly Option[] = [SERVER, KEY_FILE];

export const NODES: Option = {
  name: 'nodes',
  value: '<url,url,…>',
  direct: 'address',
  env: 'HOLDFAST_NODES',
  about:
    'The Redis nodes: an odd number of independent servers, redis://host:port each (or rediss://, unix:/path, redis-sentinel://, redis-cluster://).',
};

export const LOCK: Option = {
  name: 'lock',
  value: '<name>',
  required: true,
  about: 'The resource to hold. Required.',
};

export const TTL: Option = {
  name: 'ttl',
  value: duration,
  env: 'HOLDFAST_TTL',
  default: '10s',
  about: 'How long the lease outlives its last renewal. At most --max-ttl.',
};

export const WAIT: Option = {
  name: 'wait',
  value: duration,
  env: 'HOLDFAST_WAIT',
  default: '5s',
  about: 'How long to wait for the lease; 0 asks once.',
};

export const GRACE: Option = {
  name: 'grace',
  value: duration,
  default: '5s',
  about: 'How long the program has to stop after the lease is lost: SIGTERM, then SIGKILL.',
};

export const REPLACE: Option = {
  name: 'replace',
  about: 'Change the parameters of a deployment. Only when every client of it has stopped.',
};

export const GONE: Option = {
  name: 'gone',
  about: 'The removed server will never come back, so it need not answer.',
};

export const STRICT: Option = {
  name: 'strict',
  about: 'Count a warning as an error, for the exit code.',
};

export const LISTEN: Option = {
  name: 'listen',
  value: '<port>',
  about:
    'Serve the metrics at http://<this host>:<port>/metrics until Ctrl-C, instead of writing them once; 0 takes a free port.',
};

export const NODE_COUNT: Option = {
  name: 'nodes',
  value: '<count>',
  default: '5',
  about: 'How many nodes to start: an odd number.',
};

export const PORT: Option = {
  name: 'port',
  value: '<port>',
  default: '7001',
  about: 'The port of the first node; the others follow it. 0 takes free ports.',
};

export const FOLDER: Option = {
  name: 'folder',
  value: '<path>',
  default: '.holdfast/nodes',
  about: 'Where the nodes keep their files.',
};

export const PERSIST: Option = {
  name: 'persist',
  about: 'Keep what the nodes know between runs (appendfsync always). Without it they start empty.',
};

export const REDIS: Option = {
  name: 'redis',
  value: '<url>',
  direct: 'address',
  env: 'REDIS_URL',
  required: true,
  about: 'The Redis of the queues, or of the workflows. Required without --server.',
};

export const STATE: Option = {
  name: 'state',
  value: '<state>',
  default: 'waiting',
  about: 'waiting, active, delayed, dead, completed or cancelled.',
};

export const CANCEL_REASON: Option = {
  name: 'reason',
  value: '<text>',
  about: 'Why: whoever waits for the task is told.',
};

export const DUE_AT: Option = {
  name: 'at',
  value: '<time>',
  about: 'When it begins at the earliest: 2026-01-31T12:00Z.',
};

export const DUE_IN: Option = {
  name: 'in',
  value: '<duration>',
  about: 'In how long it begins at the earliest: 90s, 2h.',
};

export const CHANGED_DATA: Option = {
  name: 'data',
  value: '<json>',
  about: 'Its data from now on.',
};

export const CHANGED_PRIORITY: Option = {
  name: 'priority',
  value: '<number>',
  about: 'Its priority from now on, 0 to 9; higher goes first.',
};

export const ERROR: Option = {
  name: 'error',
  value: '<text>',
  about: 'Only those whose last error has this text.',
};

export const WEIGHT: Option = {
  name: 'weight',
  value: '<count>',
  about: 'How many tasks of the tenant begin in a turn, 1 to 1000; every tenant has 1 at first.',
};

export const TASK_KEY: Option = {
  name: 'key',
  value: '<key>',
  about: 'Only those of tasks with this key.',
};

export const MOST: Option = {
  name: 'most',
  value: '<count>',
  about: 'At most so many; all without it.',
};

export const PURGED_STATE: Option = {
  name: 'state',
  value: '<state>',
  default: 'dead',
  about: 'waiting, delayed or dead.',
};

export const AFTER: Option = {
  name: 'after',
  value: '<cursor>',
  about: 'The cursor of an event: shows those after it, as far as they are kept.',
};

export const WAITING: Option = {
  name: 'waiting',
  value: '<count>',
  about: 'How many tasks may wait, delayed ones too; "none" for no limit.',
};

export const CONCURRENCY: Option = {
  name: 'concurrency',
  value: '<count>',
  about: 'How many may be handled at a time, by all workers together; or "none".',
};

export const RATE: Option = {
  name: 'rate',
  value: '<count>/<duration>',
  about: 'How many may begin within a time, such as 100/1s; or "none".',
};

export const KEY_CONCURRENCY: Option = {
  name: 'key-concurrency',
  value: '<count>',
  about: 'How many tasks of one key may be handled at a time; "none" for one.',
};

export const KEY_RATE: Option = {
  name: 'key-rate',
  value: '<count>/<duration>',
  about: 'How many tasks of one key may begin within a time; or "none".',
};

export const BREAKER: Option = {
  name: 'breaker',
  value: '<count>/<duration>/<duration>',
  about: 'After how many failures within a time none begins, and for how long; or "none".',
};

export const KEEP_RESULTS: Option = {
  name: 'keep-results',
  value: '<count>/<duration>',
  about: 'How many results are kept, and for how long; "none" for the default, 10000/24h.',
};

export const KEEP_DEAD: Option = {
  name: 'keep-dead',
  value: '<count>/<duration>',
  about: 'The same of dead letters; "none" for the default, 100000/2160h.',
};

export const RUN_SCHEDULE: Option = {
  name: 'run',
  value: '<schedule>',
  about: 'Add a task of this schedule now, beside its ticks.',
};

export const REMOVE_SCHEDULE: Option = {
  name: 'remove',
  value: '<schedule>',
  about: 'Remove this schedule; tasks that it has added stay.',
};

export const MOVES: Option = {
  name: 'moves',
  value: '<kinds>',
  default: 'none',
  about: 'added, begun, or "added,begun"; "none" ends it.',
};

export const LIMIT: Option = {
  name: 'limit',
  value: '<count>',
  default: '20',
  about: 'How many to show at most.',
};

export const CALL_TIMEOUT: Option = {
  name: 'call-timeout',
  direct: 'detail',
  value: duration,
  env: 'HOLDFAST_CALL_TIMEOUT',
  default: '1s',
  about: 'How long a node may take to answer; never more than a fifth of the TTL.',
};

export const PERSISTENCE: Option = {
  name: 'persistence',
  direct: 'detail',
  value: '<kind>',
  env: 'HOLDFAST_PERSISTENCE',
  default: 'none',
  about: '"synchronous" if every node runs with appendfsync always, else "none".',
};

export const REPLICAS: Option = {
  name: 'replicas',
  direct: 'detail',
  value: '<number>',
  env: 'HOLDFAST_REPLICAS',
  default: '0',
  about: 'How many replicas must follow a node that may fail over, for it to vote.',
};

export const DEPLOYMENT: Option = {
  name: 'deployment',
  direct: 'detail',
  value: '<name>',
  env: 'HOLDFAST_DEPLOYMENT',
  default: 'holdfast',
  about: 'The name of the deployment, the hash tag of every key.',
};

export const PREFIX: Option = {
  name: 'prefix',
  direct: 'detail',
  value: '<text>',
  env: 'HOLDFAST_PREFIX',
  about: 'The beginning of every key, so that environments can share a Redis.',
};

export const MAX_TTL: Option = {
  name: 'max-ttl',
  direct: 'detail',
  value: duration,
  env: 'HOLDFAST_MAX_TTL',
  default: '30s',
  about: 'The longest TTL that a client may ask for.',
};

export const WINDOW: Option = {
  name: 'window',
  direct: 'detail',
  value: duration,
  env: 'HOLDFAST_WINDOW',
  default: '5s',
  about: "How far a token may be from a node's clock.",
};

export const RETENTION: Option = {
  name: 'retention',
  direct: 'detail',
  value: duration,
  env: 'HOLDFAST_RETENTION',
  default: '1h',
  about: 'How long a node remembers the last token of an unused resource.',
};

export const MARGIN: Option = {
  name: 'margin',
  direct: 'detail',
  value: duration,
  env: 'HOLDFAST_MARGIN',
  default: '5s',
  about: "How far a node's clock may step back across a restart.",
};

export const ALLOW_EVEN: Option = {
  name: 'allow-even',
  direct: 'detail',
  about: 'Accept an even number of nodes, which tolerates no more failures than one less.',
};

/** The parameters of a deployment that `up` also sets. */
export const PARAMETERS: readonly Option[] = [DEPLOYMENT, PREFIX, MAX_TTL, WINDOW, RETENTION, MARGIN];

/** The options by which a client describes its deployment, besides the nodes. */
export const DESCRIPTION: readonly Option[] = [...PARAMETERS, PERSISTENCE, REPLICAS];

/** The options for a client's use of the nodes. */
export const NODE_OPTIONS: readonly Option[] = [NODES, CALL_TIMEOUT, ALLOW_EVEN];

export const CODEC: Option = {
  name: 'codec',
  direct: 'detail',
  value: '<file>',
  env: 'HOLDFAST_CODEC',
  about: 'A JavaScript module whose default export is the codec of the app or of the queue, if it has one.',
};
