/** `holdfast vectors search`: what is near to a vector or a document, or has some words or weights of terms. */
import type { FindOptions, Results } from '@holdfast/vectors';
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
import { FIELDS, FILTER, LIKE, NAME, SCHEMA, TERMS, TEXT, TYPOS, VECTOR, WORD_PREFIX } from './options.js';

export const search: Command = {
  ...OF_EVERY_ACTION,
  name: 'search',
  summary: 'Find documents that are near, or have some words.',
  operands: [INDEX_OPERAND],
  about: 'Reads all documents first, as a process that begins to search does.',
  options: [
    ...SERVED_PLACE,
    ...[VECTOR, LIKE, TEXT, WORD_PREFIX, TYPOS, FIELDS, TERMS, NAME, SCHEMA, FILTER, LIMIT],
    JSON_OUTPUT,
  ],
  example: 'holdfast vectors search kb --like a1 --limit 5',
  run: onServedIndex(
    async (call) => {
      const { like, limit, ...words } = wishesOf(call.args);
      const name = call.args.text(NAME);
      const vector = like === undefined ? call.args.json(VECTOR) : undefined;
      const named = name ?? Object.keys(call.info.vectors).find((each) => each !== '');
      const near = named === undefined ? { vector } : { vectors: vector && { [named]: vector } };
      const question = { ...near, ...words, limit, ...(like !== undefined && given({ like, name })) };
      const { hits } = await call.indexes.search(call.name, given(question) as object);
      return show(call, hits.map((hit) => ({ ...hit, time: new Date(Number(hit['time'])) })) as never);
    },
    onIndex(
      async (call) => {
        const { args, index } = call;
        const { like, limit, ...words } = wishesOf(args);
        const vector = like === undefined ? args.json(VECTOR) : await vectorOf(call, like);
        const [first = ''] = Object.keys(index.shapes);
        const name = args.text(NAME) ?? first;
        const near = name === '' ? { vector } : { vectors: vector && { [name]: vector } };
        const { hits } = await index.search({
          ...(given({ ...near, ...words }) as FindOptions),
          limit: like === undefined ? limit : limit + 1,
        });
        return show(call, hits.filter(({ id }) => id !== like).slice(0, limit));
      },
      (args) => ({ texts: args.text(TEXT) !== undefined, terms: args.text(TERMS) !== undefined }),
    ),
  ),
};

/** What is looked for. Throws UsageError if that is nothing. */
function wishesOf(args: Arguments) {
  const text = args.text(TEXT);
  const like = args.text(LIKE);
  const filter = filterOf(args);
  const limit = args.count(LIMIT, 1, 1_000) ?? 20;
  const terms = args.json(TERMS);
  const [prefix, typos] = [args.has(WORD_PREFIX) || undefined, args.has(TYPOS) || undefined];
  if (text === undefined && (prefix || typos))
    throw args.wrong('--word-prefix and --typos are about the words of --text, which is missing');
  if (text === undefined && like === undefined && terms === undefined && args.text(VECTOR) === undefined)
    throw args.wrong('what to look for is missing: give --vector, --like, --text or --terms');
  return { text, prefix, typos, terms, like, filter, limit };
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
