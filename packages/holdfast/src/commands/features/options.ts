/** The options of `holdfast features`, besides those that it shares with other commands. */
import { type Option, REDIS } from '../../options.js';

const NAME = '<name>';
const TIME = '<time>';

export const STORE_REDIS: Option = {
  ...REDIS,
  required: false,
  about: 'The Redis of the store. Required without --app and --server.',
};

export const STORE: Option = {
  name: 'store',
  value: NAME,
  env: 'HOLDFAST_STORE',
  about: 'The name of the store. Required without --app.',
};

export const PROGRAM: Option = {
  name: 'app',
  direct: 'detail',
  value: '<file>',
  env: 'HOLDFAST_APP_FILE',
  about: 'A JavaScript module whose default export is the store, or has it as "features".',
};

export const LEASE: Option = {
  name: 'lock',
  value: NAME,
  about:
    'The resource that is held meanwhile. Default: "features:<store>:<view>", for an export without the view.',
};

export const FORCE: Option = {
  name: 'force',
  about: 'Also after which values that are served now are served no longer, such as a shorter TTL.',
};

export const GENERATION: Option = {
  name: 'generation',
  value: '<id>',
  about: 'A generation, as "generations" lists them. Default: the one that is read.',
};

export const FATES: Option = {
  name: 'lanes',
  value: '<lane=fate,…>',
  about:
    'What becomes of each lane of the generation that is read: same, copy, finished or ended, as batch=finished,stream=same.',
};

export const PATIENCE: Option = {
  name: 'patience',
  value: '<duration>',
  default: '15s',
  about: 'For how long the generation that is read takes no rows while the other one catches up.',
};

export const LANE: Option = { name: 'lane', value: NAME, about: 'Only those of this lane.' };

export const IMPORT_LANE: Option = {
  name: 'lane',
  value: NAME,
  default: 'backfill',
  about: 'The lane in which the rows land.',
};

export const RANK: Option = {
  name: 'rank',
  value: '<number>',
  about: 'The rank of the lane, 1 to 255. Default: 10 for "backfill", 20 for "batch".',
};

export const FORMAT: Option = {
  name: 'format',
  value: '<format>',
  about: "csv, jsonl or parquet. Default: by the file's ending.",
};

export const ID_COLUMN: Option = {
  name: 'id',
  value: '<column>',
  about:
    'The column with the id. Default: the name of the entity; of a composite one, a column for each part.',
};

export const TIME_COLUMN: Option = {
  name: 'time',
  value: '<column>',
  default: 'time',
  about: 'The column with the event time: ms since the epoch, or a date as 2026-01-31T12:00Z.',
};

export const FINISH: Option = {
  name: 'finish',
  about: 'Note that the lane has all that it will have, which a cut waits for.',
};

export const DIR: Option = {
  name: 'dir',
  value: '<folder>',
  required: true,
  about: 'The folder of the exported files. Required.',
};

export const ERASED_DIR: Option = {
  ...DIR,
  required: false,
  about: 'The folder of the exported files. Leave it out only where there is none.',
};

export const COMPACT_GRACE: Option = {
  name: 'grace',
  value: '<duration>',
  default: '1h',
  about: 'How long files stay that were replaced, for tools that have just read a manifest; 0 for none.',
};

export const LABELS: Option = {
  name: 'labels',
  value: '<files>',
  required: true,
  about: 'Parquet files of labels, with a column for each id, for the request and for the time. Required.',
};

export const LABEL_TIME: Option = {
  name: 'at',
  value: '<column>',
  default: 'at',
  about: 'The column with the time of a label, a TIMESTAMP in UTC.',
};

export const OUT: Option = {
  name: 'out',
  value: '<file>',
  required: true,
  about: 'The Parquet file that is made. Required.',
};

export const JOIN: Option = {
  name: 'join',
  value: '<join>',
  default: 'as-served',
  about: 'Which row a label gets: as-served, event-time or known-at.',
};

export const PLACES: Option = {
  name: 'places',
  about: 'Labels have a column "<view>@place" with the place of the read, as JSON.',
};

export const READS: Option = {
  name: 'reads',
  value: '<file>',
  required: true,
  about:
    'Answers of "get" with meta and place, a line of JSON each: {"ids","request","answer","views"}. Required.',
};

export const MOST_TOLD: Option = {
  name: 'most',
  value: '<count>',
  default: '100',
  about: 'How many differences are shown, at most.',
};

export const REQUEST: Option = {
  name: 'request',
  value: '<json>',
  about: 'The request, for a service that takes one.',
};

export const SINCE: Option = {
  name: 'from',
  value: TIME,
  about: 'Rows with an event time from then on: 2026-01-31, 2026-01-31T12:00Z, or 2h for two hours ago.',
};

export const UNTIL: Option = { name: 'to', value: TIME, about: 'Rows with an event time before then.' };

export const DRIFT_DIR: Option = {
  ...DIR,
  required: false,
  about: 'The folder of exported files. Default: the rows that are served, and the baseline that is kept.',
};

export const BASELINE_DIR: Option = {
  ...DIR,
  required: false,
  about: 'The folder of exported files, of whose rows it is taken. Default: the rows that are served.',
};

export const FORGET: Option = { name: 'forget', about: 'Forget the baseline that is kept.' };

export const TURN: Option = {
  ...SINCE,
  about: `${SINCE.about} Those before are the baseline. Required with --dir.`,
};

export const SAMPLE: Option = {
  name: 'sample',
  value: '<count>',
  default: '100000',
  about: 'How many rows are looked at, at most.',
};
