/** The options of `holdfast workflow`, besides those that it shares with other commands. */
import type { Option } from '../../options.js';

const TIME = '<time>';
const JSON_VALUE = '<json>';
const TEXT = '<text>';

export const APP: Option = {
  name: 'app',
  direct: 'detail',
  value: '<name>',
  env: 'HOLDFAST_APP',
  default: 'app',
  about: 'The app of the workflows.',
};

export const KEY: Option = {
  name: 'key',
  value: TEXT,
  about: 'The key with which the run was started, if it has one.',
};

export const RUN_STATE: Option = {
  name: 'state',
  value: '<state>',
  about: 'Runs in this state: waiting, delayed, running, sleeping, stuck, completed, failed or cancelled.',
};

export const FROM: Option = {
  name: 'from',
  value: TIME,
  about:
    'Runs that came to their state then or later: 2026-01-31, 2026-01-31T12:00Z, or 2h for two hours ago.',
};

export const TO: Option = {
  name: 'to',
  value: TIME,
  about: 'Runs that came to their state before then.',
};

export const INPUT: Option = {
  name: 'input',
  value: JSON_VALUE,
  default: 'null',
  about: 'What the function is given. No schema checks it here.',
};

export const RUN_ID: Option = {
  name: 'id',
  value: TEXT,
  about: 'The id of the run: with one, the command may be repeated. Without, it is random.',
};

export const WORKS_ON: Option = {
  name: 'key',
  value: TEXT,
  about: 'What the run works on: of the runs of one key, one at a time goes on.',
};

export const PRIORITY: Option = {
  name: 'priority',
  value: '<number>',
  default: '0',
  about: 'From 0 to 9: the highest is claimed first.',
};

export const DELAY: Option = {
  name: 'delay',
  value: '<duration>',
  default: '0',
  about: 'For how long the run does not begin.',
};

export const RESULT: Option = {
  name: 'result',
  about: 'Wait until the run is over, and write what it has returned.',
};

export const PAYLOAD: Option = {
  name: 'payload',
  value: JSON_VALUE,
  default: 'null',
  about: 'What the message says. No schema checks it here.',
};

export const MESSAGE_ID: Option = {
  name: 'message-id',
  value: TEXT,
  about: 'The id of the message: with one, the command may be repeated.',
};

export const ANSWER: Option = {
  name: 'answer',
  value: JSON_VALUE,
  default: 'true',
  about: 'What the function is given as the answer.',
};

export const BY: Option = {
  name: 'by',
  direct: 'detail',
  value: TEXT,
  about: 'Who answers. With --server it is the subject of the key.',
};

export const ALL: Option = {
  name: 'all',
  about: 'All runs of the workflow, or of the app: where neither an id nor a filter says which.',
};

export const REASON: Option = { name: 'reason', value: TEXT, about: 'Why: the run keeps it.' };

export const STEP: Option = {
  name: 'step',
  value: '<id or name>',
  about: 'The step to begin with, as "show" has it; of a name, the last one.',
};

export const AS: Option = {
  name: 'as',
  value: TEXT,
  about: 'The id of the run that begins: with one, the command may be repeated.',
};

export const CRON: Option = {
  name: 'cron',
  value: '<expression>',
  about: 'At these times, such as "0 9 * * MON-FRI".',
};

export const EVERY: Option = {
  name: 'every',
  value: '<duration>',
  about: 'So often, at whole multiples since 1970.',
};

export const TIMEZONE: Option = {
  name: 'timezone',
  value: '<name>',
  default: 'UTC',
  about: 'The time zone of --cron, such as Europe/Berlin.',
};

export const MISSED: Option = {
  name: 'missed',
  value: '<which>',
  default: 'once',
  about: 'What is run of ticks at whose time there was no worker: once, all or skip.',
};

export const REMOVE: Option = { name: 'remove', about: 'Remove the schedule.' };

export const STREAM: Option = {
  name: 'stream',
  value: '<name>',
  about: 'Follow this stream of the run, from its beginning to the end of the run.',
};

export const OLDEST: Option = {
  name: 'oldest',
  about: 'Begin with the oldest event that is kept, not with what happens from now on.',
};
