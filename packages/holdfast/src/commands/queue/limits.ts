/**
 * `holdfast queue limits`: shows the limits of a queue, or changes those that are named.
 *
 * Guarantees: a limit that is not named stays as it is, also if somebody else changes it at the same time: then the command
 * changes nothing and says so.
 */
import type { Breaker, KeptLimits, Limits, Rate } from '@holdfast/queue';
import { type Arguments, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { DURATION_FORMS, parseDuration } from '../../durations.js';
import { EXIT } from '../../exit-codes.js';
import {
  BREAKER,
  CONCURRENCY,
  JSON_OUTPUT,
  KEEP_DEAD,
  KEEP_RESULTS,
  KEY_CONCURRENCY,
  KEY_RATE,
  type Option,
  PREFIX,
  RATE,
  REDIS,
  SERVED,
  WAITING,
} from '../../options.js';
import { OF_EVERY_ACTION, onServedQueue, QUEUE_OPERAND } from './opened.js';

const LIMITS = [WAITING, CONCURRENCY, RATE, KEY_CONCURRENCY, KEY_RATE, BREAKER, KEEP_RESULTS, KEEP_DEAD];

export const limits: Command = {
  ...OF_EVERY_ACTION,
  name: 'limits',
  summary: 'Show the limits of a queue, or change some.',
  operands: [QUEUE_OPERAND],
  about: 'They hold for all workers at once, under the next version.',
  options: [REDIS, PREFIX, ...SERVED, ...LIMITS, JSON_OUTPUT],
  example: 'holdfast queue limits images --concurrency 50 --rate 100/1s',
  run: onServedQueue(async ({ args, context, queue }) => {
    const before = await queue.limits();
    const changed = changeOf(args, before);
    // The next version: if somebody else has taken it, nothing is changed.
    const version = (before?.version ?? 0) + 1;
    const kept = changed === undefined ? before : await queue.setLimits({ ...changed, version });
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(kept ?? {}) : describe(kept)}\n`);
    return EXIT.ok;
  }),
};

/** Undefined if no limit is named. */
function changeOf(args: Arguments, before: KeptLimits | undefined): Limits | undefined {
  if (LIMITS.every((option) => args.text(option) === undefined)) return undefined;
  const waiting = chosen(args, WAITING, countOf, before?.waiting);
  const concurrency = chosen(args, CONCURRENCY, countOf, before?.concurrency);
  const rate = chosen(args, RATE, rateOf, before?.rate);
  const keyConcurrency = chosen(args, KEY_CONCURRENCY, countOf, before?.keys?.concurrency);
  const keyRate = chosen(args, KEY_RATE, rateOf, before?.keys?.rate);
  const breaker = chosen(args, BREAKER, breakerOf, before?.breaker);
  const { dead, events, ...results } = before?.retain ?? {};
  const keepResults = chosen(args, KEEP_RESULTS, retentionOf, results);
  const keepDead = chosen(args, KEEP_DEAD, retentionOf, dead);
  return {
    ...(waiting !== undefined && { waiting }),
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate }),
    keys: {
      ...(keyConcurrency !== undefined && { concurrency: keyConcurrency }),
      ...(keyRate && { rate: keyRate }),
    },
    ...(breaker && { breaker }),
    retain: { ...keepResults, ...(events !== undefined && { events }), ...(keepDead && { dead: keepDead }) },
  };
}

function chosen<T>(
  args: Arguments,
  option: Option,
  read: (text: string) => T | undefined,
  before: T | undefined,
): T | undefined {
  const text = args.text(option);
  if (text === undefined) return before;
  if (text === 'none') return undefined;
  const value = read(text);
  if (value !== undefined) return value;
  throw args.wrong(
    `--${option.name} is ${option.value} or "none"; got "${masked(text)}". Durations: ${DURATION_FORMS}`,
  );
}

const countOf = (text: string): number | undefined =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;

function rateOf(text: string): Rate | undefined {
  const [, max = '', per = ''] = /^([1-9]\d{0,8})\/(.+)$/.exec(text) ?? [];
  const duration = parseDuration(per);
  return max === '' || duration === undefined || duration < 1
    ? undefined
    : { max: Number(max), per: duration };
}

function breakerOf(text: string): Breaker | undefined {
  const [, count = '', time = '', rest = ''] = /^([1-9]\d{0,5})\/([^/]+)\/([^/]+)$/.exec(text) ?? [];
  const [within, pause] = [parseDuration(time), parseDuration(rest)];
  return count === '' || !within || !pause ? undefined : { failures: Number(count), within, pause };
}

function retentionOf(text: string): { readonly count: number; readonly age: number } | undefined {
  const [, count = '', rest = ''] = /^(\d{1,9})\/(.+)$/.exec(text) ?? [];
  const age = parseDuration(rest);
  return count === '' || age === undefined ? undefined : { count: Number(count), age };
}

function describe(kept: KeptLimits | undefined): string {
  if (kept === undefined) return 'There are no limits.';
  const { version, ...rest } = kept;
  const named = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `version ${version}: ${named.join(', ') || 'no limits'}`;
}
