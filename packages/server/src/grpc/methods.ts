/**
 * The methods of holdfast.proto: which operation each of them is, and how its messages become the values of that operation
 * and back.
 *
 * Guarantees: a method has the right, the checks and the errors of its operation, because it is the same operation; only what
 * it answers has another form.
 */
import type { View } from '@holdfast/features';
import { readRows, readService, rows, serve } from '../operations/features.js';
import type { Call, Operation } from '../operations/operation.js';
import { search } from '../operations/vectors.js';
import { fromStruct, fromValue, tableOf, toStruct, toText } from './values.js';

/** A message, as Protocol Buffers has decoded it: what was not sent is not there. */
type Message = Readonly<Record<string, unknown>>;

export interface Method {
  /** With its package. */
  readonly service: string;
  readonly name: string;
  /** Its answers have a message as their body. */
  readonly operation: Operation;
  /** The parameters and the body of the operation. */
  readonly read: (message: Message) => {
    readonly params: Readonly<Record<string, string>>;
    readonly body: Readonly<Record<string, unknown>>;
  };
}

const FEATURES = 'holdfast.v1.Features';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Those that have a value. */
const present = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const partsOf = (message: unknown): unknown => Object(message).parts ?? {};
/** Numbers as the base64 of their floats, which the checks of the operation read at once. */
const floatsOf = (message: unknown): string =>
  Buffer.from(Float32Array.from(Object(message).values ?? []).buffer).toString('base64');
const mapped = <Value>(values: unknown, as: (value: unknown) => Value): readonly Value[] | undefined =>
  (values as readonly unknown[] | undefined)?.map(as);

const idOf = (id: unknown): unknown => {
  const { kind, text: of, parts } = Object(id);
  if (kind === undefined) return null;
  return kind === 'text' ? of : partsOf(parts);
};

const kindsOf = (view: View, prefix = '') =>
  Object.entries(view.fields).map(([name, { kind }]) => [`${prefix}${name}`, kind] as const);

/** The operation with another form of its answer. `Of`: the call, with the values that its schemas have accepted. */
const answering = <Of>(operation: Operation, messageOf: (call: Of) => Promise<object>): Operation => ({
  ...operation,
  run: async (call) => ({ status: 200, body: await messageOf(call as unknown as Of) }),
});

const readRowsMethod: Method = {
  service: FEATURES,
  name: 'ReadRows',
  read: ({ store, view, ids }) => ({
    params: { store: text(store), view: text(view) },
    body: present({ ids: mapped(ids, idOf) }),
  }),
  operation: answering<Parameters<typeof readRows>[0]>(rows, async (call) => {
    const { view, found } = await readRows(call);
    const { features, values } = tableOf(
      found.map((row) => row.values),
      new Map(kindsOf(view)),
    );
    return {
      features,
      rows: found.map(({ time, reason }, at) => ({
        values: values[at],
        ...(time && { time: time.getTime() }),
        ...(reason !== undefined && { reason }),
      })),
    };
  }),
};

const readServiceMethod: Method = {
  service: FEATURES,
  name: 'ReadService',
  read: ({ store, service, ids, request }) => ({
    params: { store: text(store), service: text(service) },
    body: present({
      ids: mapped(ids, partsOf),
      request: request === undefined ? undefined : fromValue(request),
    }),
  }),
  operation: answering<Parameters<typeof readService>[0]>(serve, async (call) => {
    const { service, found } = await readService(call);
    const kinds = Object.entries(service.views).flatMap(([alias, view]) => kindsOf(view, `${alias}.`));
    const { features, values } = tableOf(found, new Map(kinds));
    return { features, answers: values.map((each) => ({ values: each })) };
  }),
};

interface SearchBody {
  readonly hits: readonly { readonly attributes: object; readonly text?: unknown }[];
  readonly facets?: object;
  readonly degraded?: readonly object[];
  readonly place: string;
}

/** What the operation takes as it was sent. */
const PLAIN = [
  ...['like', 'name', 'text', 'prefix', 'typos', 'facets', 'minScore', 'texts'],
  ...['limit', 'offset', 'after', 'wait'],
];

const searchMethod: Method = {
  service: 'holdfast.v1.Vectors',
  name: 'Search',
  read: ({ index, vector, vectors, terms, filter, ...message }) => ({
    params: { index: text(index) },
    body: present({
      ...Object.fromEntries(PLAIN.map((name) => [name, message[name]])),
      vector: vector === undefined ? undefined : floatsOf(vector),
      vectors:
        vectors === undefined
          ? undefined
          : Object.fromEntries(Object.entries(vectors as object).map(([name, of]) => [name, floatsOf(of)])),
      terms: Object(terms).weights,
      filter: filter === undefined ? undefined : fromStruct(filter),
    }),
  }),
  operation: answering<Call>(search, async (call) => {
    const { hits, facets, degraded = [], place } = (await search.run(call)).body as SearchBody;
    return {
      hits: hits.map(({ attributes, text, ...hit }) => ({
        ...{ ...hit, attributes: toStruct(attributes) },
        ...(text !== undefined && { text: toText(text) }),
      })),
      ...(facets !== undefined && { facets: toStruct(facets) }),
      ...{ degraded: degraded.map(toStruct), place },
    };
  }),
};

export const METHODS: readonly Method[] = [readRowsMethod, readServiceMethod, searchMethod];
