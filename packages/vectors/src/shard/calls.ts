/**
 * Calls to shards as text, so that any transport brings them to the process that holds one, and answers as text.
 *
 * Guarantees: a call has the same answer as on the index itself; a MisuseError and an UnavailableError are thrown as such here. What
 * is no such call is answered with a MisuseError.
 */
import { display, HoldfastError, MisuseError, UnavailableError } from '@holdfast/kernel';
import { PlaceLostError } from '../errors.js';
import type { VectorIndex } from '../vector-index.js';
import type { IndexPart } from './part.js';

/** What is asked of a shard: all that reads its memory. */
type Reading = Pick<VectorIndex, 'search' | 'get' | 'count' | 'scroll' | 'deleteAll'>;
type Calls = Reading & Pick<IndexPart, 'counts' | 'rank' | 'vectors' | 'texts'>;
export type Verb = keyof Calls;
export type Answer<V extends Verb> = Awaited<ReturnType<Calls[V]>>;

const READING = ['search', 'get', 'count', 'scroll', 'deleteAll'] satisfies (keyof Reading)[];
/** Those of a part of an index. */
const OF_PART = ['counts', 'rank', 'vectors', 'texts'] satisfies Exclude<Verb, keyof Reading>[];
const VERBS: readonly string[] = [...READING, ...OF_PART];

export interface Call<V extends Verb = Verb> {
  readonly shard: number;
  readonly verb: V;
  readonly args: readonly unknown[];
}

/** The answer of an index. */
export function ownAnswer<V extends Verb>(index: VectorIndex, { verb, args }: Call<V>): Promise<Answer<V>> {
  const of = (OF_PART as readonly string[]).includes(verb) ? index.part() : index;
  const call = (of as unknown as Calls)[verb] as (...args: readonly unknown[]) => Promise<Answer<V>>;
  return call.apply(of, args as unknown[]);
}

/** How the refusal of what is no call begins; also that of a call that an earlier version does not know. */
const NO_CALL = 'answer takes what "peers"';

/** Vectors are sent as the bytes of their numbers. */
function packed(_: string, value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const { buffer } = Float32Array.from(value as Float32Array);
  return { $f32: Buffer.from(buffer).toString('base64') };
}

function unpacked(_: string, value: unknown): unknown {
  const { $f32: numbers } = Object(value);
  if (typeof numbers !== 'string') return value;
  const bytes = Buffer.from(numbers, 'base64');
  return Float32Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readFloatLE(4 * at));
}

export const callText = (call: Call): string => JSON.stringify(call, packed);

/** Throws MisuseError. */
export function readCall(text: string): Call {
  let call: Partial<Call> = {};
  try {
    call = Object(JSON.parse(text, unpacked));
  } catch {
    // answered below
  }
  const { shard = -1, verb = '', args } = call;
  if (Number.isInteger(shard) && VERBS.includes(verb) && Array.isArray(args)) return call as Call;
  throw new MisuseError(`${NO_CALL} of a sharded index was given; got ${display(text)}.`);
}

/** The answer to a call, whatever becomes of it. Rejects with what Holdfast has not thrown. */
export async function answerText(work: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify({ value: await work() });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const { code, message } = error;
    const place = error instanceof PlaceLostError ? error.place : undefined;
    return JSON.stringify({ error: { code, message, place } });
  }
}

/** What a peer has answered. Throws what it threw: MisuseError and PlaceLostError as such, everything else as UnavailableError. */
export function readAnswer<V extends Verb>(
  { shard, verb }: Pick<Call<V>, 'shard' | 'verb'>,
  text: string,
): Answer<V> {
  const { value, error } = parsed(shard, text);
  if (error === undefined) return withTimes(verb, value) as Answer<V>;
  if (error.code === 'HOLDFAST_PLACE_LOST')
    throw new PlaceLostError(error.message, { place: error.place ?? '' });
  if (error.code !== 'HOLDFAST_MISUSE') throw new UnavailableError(error.message, []);
  if (!error.message.startsWith(NO_CALL)) throw new MisuseError(error.message);
  throw new UnavailableError(
    `The process that holds shard ${shard} does not know the call "${verb}": it runs an earlier version, which answers searches by vectors only. Update it.`,
    [{ node: `shard ${shard}`, reason: error.message }],
  );
}

interface AnswerText {
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly place?: string };
}

function parsed(shard: number, text: string): AnswerText {
  let cause: unknown;
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) return answer;
  } catch (error) {
    cause = error;
  }
  const reason = `it answered ${display(text)}`;
  throw new UnavailableError(
    `The peer of shard ${shard} has answered what cannot be read. See that it answers with what answer() of its index gives.`,
    [{ node: `shard ${shard}`, reason }],
    { cause },
  );
}

/** Times are texts in JSON: those of documents are made times again. */
function withTimes(verb: Verb, value: unknown): unknown {
  const timed = (document: object): object => ({
    ...document,
    time: new Date((document as { time: string }).time),
  });
  const { hits = [], documents = [] } = Object(value) as Readonly<Record<string, object[]>>;
  if (verb === 'search') return { ...Object(value), hits: hits.map(timed) };
  if (verb === 'scroll') return { ...Object(value), documents: documents.map(timed) };
  return verb === 'get' && value !== undefined ? timed(Object(value)) : value;
}
