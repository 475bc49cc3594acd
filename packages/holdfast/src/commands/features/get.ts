/** `holdfast features get`: rows of a view, as they are served. */
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { answer, OF_EVERY_ACTION, onStore, PLACE, VIEW_OPERAND, viewOf } from './opened.js';

export const get: Command = {
  ...OF_EVERY_ACTION,
  name: 'get',
  summary: 'Show the row of an id, as it is served.',
  operands: [VIEW_OPERAND, { name: 'id', about: 'the id', optional: true }],
  about: `Null values have a reason: missing, expired or torn. Of a composite entity,
the id is JSON, as '{"user":"u1","product":"p7"}'; "global" has none.`,
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast features get profile u1 --store shop',
  run: onStore(async (call) => {
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
const shown = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value instanceof Float32Array ? [...value] : value]),
  );
