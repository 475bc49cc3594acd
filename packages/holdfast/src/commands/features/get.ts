/** `holdfast features get`: a row of a view, or the answer of a service, as they are served. */
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import type { ServedStore } from '../../served/features.js';
import { renderTable } from '../../table.js';
import {
  answer,
  type Call,
  OF_EVERY_ACTION,
  onServedStore,
  SERVED_PLACE,
  serviceOf,
  viewOf,
} from './opened.js';
import { REQUEST } from './options.js';

export const get: Command = {
  ...OF_EVERY_ACTION,
  name: 'get',
  summary: 'Show the row of an id, or what a service answers.',
  operands: [
    { name: 'view', about: 'the name of the view or service' },
    { name: 'id', about: 'the id', optional: true },
  ],
  about: `Null values have a reason: missing, expired or torn. Of a composite entity, and
for a service, the id is JSON, as '{"user":"u1","product":"p7"}'; "global" has
none. A service that derives features or takes a request needs --app.`,
  options: [...SERVED_PLACE, REQUEST, JSON_OUTPUT],
  example: 'holdfast features get profile u1 --store shop',
  run: onServedStore(async (call) => {
    const [name = ''] = call.args.operands;
    if (isService(call, name)) return answerOf(call);
    const view = viewOf(call);
    const { parts } = view.entity;
    const [, text] = call.args.operands;
    if (text === undefined && parts.length > 0) throw call.args.wrong('the id is missing');
    const id = parts.length > 1 ? composite(text ?? '') : text;
    if (id === undefined && parts.length > 0)
      throw call.args.wrong(`the id is JSON with ${parts.map((part) => `"${part}"`).join(', ')}`);
    const [row] = await call.store.rows(view, [id as never]);
    const json = {
      id,
      time: row?.time ?? null,
      reason: row?.reason ?? null,
      values: shown(row?.values ?? {}),
    };
    const table = renderTable([
      ...Object.entries(shown(row?.values ?? {})).map(([name, value]) => [name, JSON.stringify(value)]),
      ...(row?.time ? [['(time)', row.time.toISOString()]] : []),
      ...(row?.reason ? [['(null because)', row.reason]] : []),
    ]);
    return answer(call, json, table);
  }),
};

/** A view goes before a service of the same name. */
const isService = ({ store }: Call<ServedStore>, name: string): boolean =>
  !store.views.some((view) => view.name === name) &&
  store.served.some((each) => name.split('@', 1)[0] === each.name);

async function answerOf(call: Call<ServedStore>): Promise<number> {
  const { args, store } = call;
  const [, text = '{}'] = args.operands;
  const ids = composite(text);
  if (ids === undefined) throw args.wrong('the ids are JSON, as {"user":"u1"}');
  const [found] = await store.get(serviceOf(call) as never, [ids as never], args.json(REQUEST) as never, {
    meta: true,
  });
  const values = shown(found?.answer ?? {});
  const reasons = Object.entries(found?.views ?? {}).flatMap(([view, { reason }]) =>
    reason === undefined ? [] : [[view, reason] as const],
  );
  const table = renderTable([
    ...Object.entries(values).map(([feature, value]) => [feature, JSON.stringify(value)]),
    ...reasons.map(([view, reason]) => [`(${view} null because)`, reason]),
  ]);
  return answer(call, { ids, values, reasons: Object.fromEntries(reasons) }, table);
}

/** Undefined unless it is an object. */
function composite(text: string): unknown {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Vectors as lists. */
const shown = (values: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value instanceof Float32Array ? [...value] : value]),
  );
