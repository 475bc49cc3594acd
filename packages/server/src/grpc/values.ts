/**
 * Values as the messages of holdfast.proto have them: features by their types, and JSON as Struct and Value of Protocol Buffers.
 *
 * Guarantees: a feature has the type of its definition, whatever the value is: 3 of a float64 stays a float64. A derived one,
 * which has no type, is a float64, bool or string, as it is. How deeply a
 * message is nested has a limit in protobufjs, for what is read and for what is sent.
 */
import type { View } from '@holdfast/features';

type Kind = View['fields'][string]['kind'];

/** A message Value; undefined stands for one in which nothing is set. */
type Message = Readonly<Record<string, unknown>>;

const NULL: Message = {};

const TYPED: Readonly<Record<Kind, (value: never) => Message>> = {
  int: (intValue: number) => ({ intValue }),
  float64: (float64Value: number) => ({ float64Value }),
  float32: (float32Value: number) => ({ float32Value }),
  bool: (boolValue: boolean) => ({ boolValue }),
  string: (stringValue: string) => ({ stringValue }),
  timestamp: (time: Date) => ({ timestampValue: time.getTime() }),
  vector: (values: Float32Array) => ({ vectorValue: { values } }),
  list: (values: readonly number[]) => ({ listValue: { values } }),
};

/** The type of a derived feature. */
const kindOf = (value: unknown): Kind =>
  typeof value === 'number' ? 'float64' : typeof value === 'boolean' ? 'bool' : 'string';

/** Rows of features by name, as the names once and the values of each row in that order. `kinds`: of those that have one. */
export function tableOf(
  rows: readonly Readonly<Record<string, unknown>>[],
  kinds: ReadonlyMap<string, Kind>,
): { readonly features: readonly string[]; readonly values: readonly (readonly Message[])[] } {
  const features = Object.keys(rows[0] ?? {});
  const makers = features.map((name) => {
    const kind = kinds.get(name);
    return kind && (TYPED[kind] as (value: unknown) => Message);
  });
  const messageOf = (value: unknown, at: number): Message => {
    if (value === null || value === undefined) return NULL;
    return (makers[at] ?? (TYPED[kindOf(value)] as (value: unknown) => Message))(value);
  };
  return { features, values: rows.map((row) => features.map((name, at) => messageOf(row[name], at))) };
}

/** JSON as google.protobuf.Value. */
function toValue(value: unknown): Message {
  const plain = (value as { toJSON?: () => unknown } | null)?.toJSON?.() ?? value;
  if (typeof plain === 'number') return { numberValue: plain };
  if (typeof plain === 'string') return { stringValue: plain };
  if (typeof plain === 'boolean') return { boolValue: plain };
  if (Array.isArray(plain)) return { listValue: { values: plain.map(toValue) } };
  if (typeof plain === 'object' && plain !== null) return { structValue: toStruct(plain) };
  return { nullValue: 0 };
}

/** A JSON object as google.protobuf.Struct; what is undefined is left out. */
export function toStruct(object: object): Message {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return { fields: Object.fromEntries(entries.map(([name, value]) => [name, toValue(value)])) };
}

/** Text, or texts by field. */
export const toText = (text: unknown): Message => toValue(text);

/** JSON of google.protobuf.Value, as it was decoded, which is not nested deeply. */
export function fromValue(message: unknown): unknown {
  const { kind, ...of } = Object(message) as Readonly<Record<string, unknown>>;
  if (kind === 'structValue') return fromStruct(of['structValue']);
  if (kind === 'listValue') {
    const { values = [] } = Object(of['listValue']) as { values?: readonly unknown[] };
    return values.map(fromValue);
  }
  return kind === 'nullValue' || kind === undefined ? null : of[String(kind)];
}

/** The JSON object of google.protobuf.Struct, as it was decoded. */
export function fromStruct(message: unknown): Readonly<Record<string, unknown>> {
  const { fields = {} } = Object(message) as { fields?: object };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fromValue(value)]));
}
