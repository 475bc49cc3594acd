/** The actions of `holdfast features` that say what a store holds: `ls`, `metrics`, `show`, `lanes`, `health`. */
import { formatDuration } from '@holdfast/kernel';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, LISTEN } from '../../options.js';
import type { ServedView } from '../../served/features.js';
import { renderTable } from '../../table.js';
import { writeMetrics } from '../metrics.js';
import {
  answer,
  OF_EVERY_ACTION,
  onServedStore,
  openedBy,
  PLACE,
  SERVED_PLACE,
  VIEW_OPERAND,
  viewOf,
} from './opened.js';
import { GENERATION } from './options.js';

export const ls: Command = {
  ...OF_EVERY_ACTION,
  name: 'ls',
  summary: 'List views, with the numbers of their rows.',
  operands: [],
  about: `"fresh" is how long ago the latest event time is. Below the views stands what
the log of accepted rows holds, which an exporter trims.`,
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast features ls --store shop',
  run: onServedStore(async (call) => {
    const { store } = call;
    const { views, log } = await store.stats();
    const rows = store.views.flatMap((view) => {
      const stats = views[view.name];
      return stats === undefined ? [] : [{ ...aboutOf(view), ...stats }];
    });
    const table = rows.map(({ name, kind, entity, live, rows: count, age, deadLetters, generations }) => [
      ...[name, kind, entity, live, String(count), age === null ? '' : formatDuration(Math.max(0, age))],
      ...[String(deadLetters), String(generations.filter(({ state }) => state === 'filling').length)],
    ]);
    const heading = ['view', 'kind', 'entity', 'live', 'rows', 'fresh', 'dead letters', 'filling'];
    const age = log.age === null ? '' : `, the oldest ${formatDuration(log.age)} old`;
    return answer(
      call,
      { views: rows, log },
      `${renderTable([heading, ...table])}\n\nlog: ${log.entries} entries${age}`,
    );
  }),
};

export const metrics: Command = {
  ...OF_EVERY_ACTION,
  name: 'metrics',
  summary: 'Write or serve the metrics of a store.',
  operands: [],
  about: `Writes how much the store holds, by view, in the text format of Prometheus.
What programs count of themselves, such as durations, they serve themselves.`,
  options: [...PLACE, LISTEN],
  example: 'holdfast features metrics --store shop --listen 9464',
  run: (args, context) =>
    writeMetrics(args, context, async () => {
      const store = await openedBy(args);
      try {
        const { metricsText } = await import('@holdfast/features');
        return await metricsText([store]);
      } finally {
        await store.close();
      }
    }),
};

export const show: Command = {
  ...OF_EVERY_ACTION,
  name: 'show',
  summary: 'Show one view: features, generations and rows.',
  operands: [VIEW_OPERAND],
  about: '"refused" counts rows that the generation that is read has refused so far.',
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast features show profile --store shop',
  run: onServedStore(async (call) => {
    const view = viewOf(call);
    const stats = (await call.store.stats()).views[view.name];
    const fields = Object.entries(view.fields).map(([name, { kind, size, isOptional }]) => ({
      ...given({ name, kind, size }),
      optional: isOptional,
    }));
    const about = Object.entries(aboutOf(view)).filter(([, value]) => value !== null);
    const refused = Object.entries(stats?.refused ?? {}).map(([why, count]) => `${count} ${why}`);
    const table = renderTable([
      ...about.map(([name, value]) => [name, String(value)]),
      ['live', stats?.live ?? ''],
      ['newest', stats?.newest?.toISOString() ?? ''],
      ['refused', refused.join(', ')],
      ['dead letters', String(stats?.deadLetters ?? 0)],
    ]);
    const features = renderTable([
      ['feature', 'type', ''],
      ...fields.map(({ name, kind, size, optional }) => [
        ...[name ?? '', size === undefined ? (kind ?? '') : `${kind}(${size})`, optional ? 'optional' : ''],
      ]),
    ]);
    const generations = renderTable([
      ['generation', 'state', 'rows'],
      ...(stats?.generations ?? []).map(({ id, state, rows }) => [id, state, String(rows)]),
    ]);
    return answer(call, { ...aboutOf(view), fields, ...stats }, `${table}\n\n${features}\n\n${generations}`);
  }),
};

export const lanes: Command = {
  ...OF_EVERY_ACTION,
  name: 'lanes',
  summary: 'List the lanes of a view, and how far they are.',
  operands: [VIEW_OPERAND],
  about: `"token" is the highest under which the lane was opened; with a lower one,
nothing lands. "through" is how far all partitions have taken in the source.`,
  options: [...SERVED_PLACE, GENERATION, JSON_OUTPUT],
  example: 'holdfast features lanes profile --store shop',
  run: onServedStore(async (call) => {
    const found = await call.store.lanes(viewOf(call), given({ generation: call.args.text(GENERATION) }));
    const table = found.flatMap(({ lane, rank, token, issuer, isFinished, source }) => {
      const own = [
        ...[lane, rank === undefined ? '' : String(rank), token === undefined ? '' : String(token), issuer],
        isFinished ? 'finished' : '',
      ];
      if (source.length === 0) return [[...own, '', '']];
      return source.map(({ name, through }) => [...own, name, through?.join('-') ?? 'nothing']);
    });
    const heading = ['lane', 'rank', 'token', 'issuer', '', 'source', 'through'];
    return answer(call, found, renderTable([heading, ...table]));
  }),
};

export const health: Command = {
  ...OF_EVERY_ACTION,
  name: 'health',
  summary: 'Say what is wrong with a store.',
  operands: [],
  about: `What somebody has to do something about, and what each generation that was read
before lacks of the one that is read: a rollback waits for that.`,
  exitCodes: [['0', 'nothing is wrong'], ['1', 'something is'], ...OF_EVERY_ACTION.exitCodes.slice(1)],
  options: [...SERVED_PLACE, JSON_OUTPUT],
  example: 'holdfast features health --store shop',
  run: onServedStore(async (call) => {
    const found = await call.store.health();
    const behind = Object.entries(found.views).flatMap(([view, { behind: all }]) =>
      Object.entries(all).flatMap(([id, lacks]) => lacks.map((each) => `${view} ${id}: ${each}`)),
    );
    const lines = [...found.problems.map((each) => `problem: ${each}`), ...behind];
    answer(call, found, lines.length > 0 ? lines.join('\n') : 'Nothing is wrong.');
    return found.problems.length === 0 ? EXIT.ok : EXIT.findings;
  }),
};

function aboutOf({ name, kind, entity, version, ttl, history, owner, description }: ServedView) {
  return {
    ...{ name, kind, entity: entity.name, version, ttl: ttl ?? null, history },
    ...{ owner: owner ?? null, description: description ?? null },
  };
}
