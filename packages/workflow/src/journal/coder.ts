/**
 * Users' data in the records of a workflow app, encoded by its codec, as the Coder of @holdfast/kernel does: inputs, results,
 * errors, messages, checkpoints, states, chunks. What a partition must know, and what people look for, stays as it is: ids,
 * names, states, times.
 *
 * Guarantees: those of the Coder.
 */
import { Coder, withoutCodec } from '@holdfast/kernel';

/** The fields of records, and of schedules, that have users' data. */
const FIELDS: ReadonlySet<string> = new Set([
  'input',
  'loops',
  'value',
  'error',
  'outcome',
  'payload',
  'reason',
]);

type Fields = Readonly<Record<string, unknown>>;

export class RecordCoder extends Coder {
  /** Of the text of an object, those of its fields that have users' data. */
  async encodeFields(json: string): Promise<string> {
    const fields: Fields = JSON.parse(json);
    const encoded = await map(fields, (value) => this.seal(JSON.stringify(value)));
    return encoded.length === 0
      ? json
      : JSON.stringify({ ...fields, ...Object.fromEntries(encoded), coded: true });
  }

  async decodeFields(json: string): Promise<string> {
    const { coded, ...fields }: Fields = JSON.parse(json);
    if (coded === undefined) return json;
    const decoded = await map(fields, (value) => this.unseal(String(value), JSON.parse));
    return JSON.stringify({ ...fields, ...Object.fromEntries(decoded) });
  }

  /** Of the text of a record: a line of head, then the text of an object. */
  async encodeRecord(text: string): Promise<string> {
    const [head, body] = halvesOf(text);
    return head + (await this.encodeFields(body));
  }

  async decodeRecord(text: string): Promise<string> {
    const [head, body] = halvesOf(text);
    return head + (await this.decodeFields(body));
  }
}

function map<T>(
  fields: Fields,
  code: (value: unknown) => Promise<T>,
): Promise<readonly (readonly [string, T])[]> {
  const its = Object.entries(fields).filter(([name]) => FIELDS.has(name));
  return Promise.all(its.map(async ([name, value]) => [name, await code(value)] as const));
}

/** The object of a text in which nothing is encoded. Throws CodecError for another. */
export function plainFields(json: string): Fields {
  const fields = JSON.parse(json);
  if (fields.coded !== undefined) throw withoutCodec();
  return fields;
}

function halvesOf(text: string): readonly [head: string, body: string] {
  const at = text.indexOf('\n') + 1;
  return [text.slice(0, at), text.slice(at)];
}
