/** `holdfast vectors search`: what is near to a vector or a document, or has some words. */
import type { Results } from '@holdfast/vectors';
import { type Arguments, given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, LIMIT } from '../../options.js';
import { renderTable } from '../../table.js';
import {
  answer,
  type Call,
  filterOf,
  INDEX_OPERAND,
  OF_EVERY_ACTION,
  onIndex,
  onServedIndex,
  SERVED_PLACE,
} from './opened.js';
import { FIELDS, FILTER, LIKE, NAME, SCHEMA, TEXT, VECTOR } from './options.js';

export const search: Command = {
  ...OF_EVERY_ACTION,
  name: 'search',
  summary: 'Find documents that are near, or have some words.',
  operands: [INDEX_OPERAND],
  about: 'Reads all documents first, as a process that begins to search does.',
  options: [...SERVED_PLACE, VECTOR, LIKE, TEXT, FIELDS, NAME, SCHEMA, FILTER, LIMIT, JSON_OUTPUT],
  example: 'holdfast vectors search kb --like a1 --limit 5',
  run: onServedIndex(
    async (call) => {
      const { text, like, filter, limit } = wishesOf(call.args);
      const name = call.args.text(NAME);
      const vector = like === undefined ? call.args.json(VECTOR) : undefined;
      const named = name ?? Object.keys(call.info.vectors).find((each) => each !== '');
      const near = named === undefined ? { vector } : { vectors: vector && { [named]: vector } };
      const question = { ...near, text, filter, limit, ...(like !== undefined && given({ like, name })) };
      const { hits } = await call.indexes.search(call.name, given(question) as object);
      return show(call, hits.map((hit) => ({ ...hit, time: new Date(Number(hit['time'])) })) as never);
    },
    onIndex(
      async (call) => {
        const { args, index } = call;
        const { text, like, filter, limit } = wishesOf(args);
        const vector = like === undefined ? args.json(VECTOR) : await vectorOf(call, like);
        const [first = ''] = Object.keys(index.shapes);
        const name = args.text(NAME) ?? first;
        const near = name === '' ? { vector } : { vectors: vector && { [name]: vector } };
        const { hits } = await index.search({
          ...(given({ ...near, text, filter }) as { readonly vector?: readonly number[] }),
          limit: like === undefined ? limit : limit + 1,
        });
        return show(call, hits.filter(({ id }) => id !== like).slice(0, limit));
      },
      (args) => args.text(TEXT) !== undefined,
    ),
  ),
};

/** What is looked for. Throws UsageError if that is nothing. */
function wishesOf(args: Arguments) {
  const text = args.text(TEXT);
  const like = args.text(LIKE);
  const filter = filterOf(args);
  const limit = args.count(LIMIT, 1, 1_000) ?? 20;
  if (text === undefined && like === undefined && args.text(VECTOR) === undefined)
    throw args.wrong('what to look for is missing: give --vector, --like or --text');
  return { text, like, filter, limit };
}

function show(call: Pick<Call, 'args' | 'context'>, found: Results['hits']): number {
  const table = found.map(({ id, score, time, attributes }) => [
    ...[score.toFixed(4), id, time.toISOString(), JSON.stringify(attributes).slice(0, 100)],
  ]);
  const json = found.map(({ id, score, time, attributes, chunk }) => ({
    ...given({ id, score, chunk }),
    ...{ time, attributes },
  }));
  return answer(call, json, renderTable([['score', 'id', 'time', 'attributes'], ...table]));
}

/** The first vector of a document. Throws UsageError if it has none. */
async function vectorOf({ args, index }: Call, id: string): Promise<Float32Array> {
  const name = args.text(NAME) ?? Object.keys(index.shapes)[0] ?? '';
  for await (const document of index.export({ ids: [id] })) {
    const [vector] = document.vectors[name] ?? [];
    if (vector) return vector;
  }
  throw args.wrong(`the index has no document ${JSON.stringify(id)} with a vector`);
}
