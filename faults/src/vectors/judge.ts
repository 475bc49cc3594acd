/**
 * Whether what the processes of an episode have recorded, and what the index has in the end, keep the promises of an index of
 * vectors.
 */
import type { Violation } from '../check/index.js';
import { increase, type Judged } from '../subject.js';
import type { FoundRecord, SentWrite, VectorsRecord } from './assignment.js';
import { MODELS, nearnessOf } from './definitions.js';

export interface Judging {
  /** The documents that Redis has when all faults are over. */
  readonly left: readonly Omit<FoundRecord, 'score'>[];
  /** Whether the server keeps what it has acknowledged. */
  readonly durable: boolean;
  /** Whether models make the vectors of documents. */
  readonly hasModels: boolean;
}

type Sent = SentWrite & { readonly at: number };

/** A write that was acknowledged. */
interface Acknowledged extends SentWrite {
  readonly begun: number;
  readonly at: number;
  readonly epoch: string;
  readonly sequence: number;
}

type Violate = (rule: string, message: string) => void;

/** Scores are computed from rows of 8 bits a number. */
const ERROR = 0.03;

export function judgeVectors(records: readonly VectorsRecord[], judging: Judging): Judged {
  const { durable, hasModels } = judging;
  const violations: Violation[] = [];
  const violate: Violate = (rule, message) => void violations.push({ rule, message, events: [] });
  const counts = new Map<string, number>();
  const sent = new Map<string, Sent>();
  const acknowledged: Acknowledged[] = [];
  for (const record of records) {
    if (record.e === 'did') increase(counts, record.what, 1);
    if (record.e === 'cut') increase(counts, 'models that went live', 1);
    if (record.e === 'writing') sent.set(record.value, record);
    if (record.e !== 'written') continue;
    increase(counts, `writes ${record.outcome}`, 1);
    const write = sent.get(record.value);
    const { epoch, sequence } = readPlace(record.place);
    if (record.outcome !== 'written' || write === undefined) continue;
    acknowledged.push({ ...write, begun: write.at, at: record.at, epoch, sequence });
  }
  const all = [...sent.values()];
  judgeSearches(records, { acknowledged, all, sent, counts, hasModels }, violate);
  judgeCuts(records, { acknowledged, all }, violate);
  if (durable) judgeTokens(acknowledged, violate);
  judgeEnd(records, { ...judging, acknowledged, all, sent, counts }, violate);
  return { violations, counts };
}

interface Known {
  readonly acknowledged: readonly Acknowledged[];
  readonly all: readonly Sent[];
  readonly sent: ReadonlyMap<string, Sent>;
  readonly counts: Map<string, number>;
  readonly hasModels: boolean;
}

/** A search after a place sees what was acknowledged up to it, or something later; and nothing that nobody has sent. */
function judgeSearches(
  records: readonly VectorsRecord[],
  { acknowledged, all, sent, counts, hasModels }: Known,
  violate: Violate,
): void {
  for (const record of records) {
    if (record.e !== 'found') continue;
    increase(counts, 'searches', 1);
    const { epoch, sequence } = readPlace(record.place);
    if (record.after !== undefined) {
      increase(counts, 'searches after a place', 1);
      const wanted = readPlace(record.after);
      if (wanted.epoch !== epoch || sequence < wanted.sequence)
        violate('unseen place', `a search after ${record.after} answers up to ${record.place}`);
    }
    const hits = new Map(record.hits.map((hit) => [hit.id, hit]));
    if (hits.size < record.hits.length)
      violate('twice', `a search up to ${record.place} has a document twice`);
    for (const hit of record.hits) judgeDocument(hit, sent, violate);
    judgeScores(record, hasModels, violate);
    const seen = acknowledged.filter((each) => each.epoch === epoch && each.sequence <= sequence);
    for (const write of latestOf(seen))
      judgeSeen(write, hits.get(write.id), { all, what: record.place, mayWait: hasModels }, violate);
  }
}

/** After a generation went live, every document has its vectors that nobody has written since. */
function judgeCuts(
  records: readonly VectorsRecord[],
  { acknowledged, all }: Pick<Known, 'acknowledged' | 'all'>,
  violate: Violate,
): void {
  const cuts = records.flatMap((each) => (each.e === 'cut' ? [readPlace(each.place)] : []));
  const answered = new Map(records.flatMap((each) => (each.e === 'written' ? [[each.value, each]] : [])));
  const byId = new Map<string, Sent[]>();
  for (const each of all) byId.set(each.id, [...(byId.get(each.id) ?? []), each]);
  for (const record of records) {
    if (record.e !== 'found') continue;
    const { epoch, sequence } = readPlace(record.place);
    const before = cuts.filter((each) => each.epoch === epoch && each.sequence <= sequence);
    if (before.length === 0) continue;
    const cut = Math.max(...before.map((each) => each.sequence));
    const isThere = new Set(record.hits.map(({ id }) => id));
    const isSettled = ({ value, at }: Sent): boolean => {
      const answer = answered.get(value);
      if (answer === undefined) return at > record.at;
      const written = readPlace(answer.place);
      return answer.outcome !== 'written' || (written.epoch === epoch && written.sequence <= cut);
    };
    const seen = acknowledged.filter((each) => each.epoch === epoch && each.sequence <= cut);
    for (const { word, id, value, time } of latestOf(seen)) {
      const writes = byId.get(id) ?? [];
      const isDeleted = writes.some((each) => each.word === 'delete' && each.time >= time);
      if (word === 'put' && !isDeleted && !isThere.has(id) && writes.every(isSettled))
        violate('half a model', `${id} of ${value} has no vectors up to ${record.place}, after ${cut}`);
    }
  }
}

const readPlace = (place: string): { readonly epoch: string; readonly sequence: number } => {
  const [epoch = '', sequence] = place.split('@');
  return { epoch, sequence: Number(sequence) };
};

/** All that is found has the score of its own vectors: of those that it came with, or of those of one model. */
function judgeScores(
  { query, hits, place }: Extract<VectorsRecord, { readonly e: 'found' }>,
  hasModels: boolean,
  violate: Violate,
): void {
  const models = hasModels ? MODELS : [undefined];
  const wrong = models.map((model) =>
    hits.find(({ value, score }) => Math.abs(nearnessOf(value, query, model) - score) > ERROR),
  );
  const [first] = wrong;
  if (first === undefined || wrong.includes(undefined)) return;
  const scores = models.map((model) => nearnessOf(first.value, query, model)).join(' or ');
  violate(
    'half written',
    `${first.id} of ${first.value} has ${first.score} up to ${place}, and not ${scores}`,
  );
}

/** What is known of a document agrees with a write that was acknowledged and applied. */
function judgeSeen(
  { word, id, value, time }: SentWrite,
  hit: Omit<FoundRecord, 'score'> | undefined,
  {
    all,
    what,
    mayWait,
  }: { readonly all: readonly SentWrite[]; readonly what: string; readonly mayWait: boolean },
  violate: Violate,
): void {
  if (hit !== undefined) {
    if (hit.time < time)
      violate(
        word === 'delete' ? 'resurrection' : 'old document',
        `${id} is ${hit.value} of ${hit.time} up to ${what}, although ${value} of ${time} is there`,
      );
    return;
  }
  const isDeleted = all.some((each) => each.word === 'delete' && each.id === id && each.time >= time);
  if (word === 'put' && !isDeleted && !mayWait)
    violate('missing document', `${id} is missing up to ${what}, although ${value} of ${time} is there`);
}

/** Of each document the write with the latest event. */
function latestOf<W extends SentWrite>(writes: readonly W[]): readonly W[] {
  const latest = new Map<string, W>();
  for (const write of writes)
    if (write.time >= (latest.get(write.id)?.time ?? 0)) latest.set(write.id, write);
  return [...latest.values()];
}

function judgeDocument(
  { id, value, time }: Omit<FoundRecord, 'score'>,
  sent: ReadonlyMap<string, SentWrite>,
  violate: Violate,
): void {
  const write = sent.get(value);
  if (write?.id !== id || write.time !== time || write.word !== 'put')
    violate('document of nobody', `${id} is ${value} of ${time}, which nobody has put so`);
}

/** Nothing is accepted under a token below one that had been accepted for the document before. */
function judgeTokens(acknowledged: readonly Acknowledged[], violate: Violate): void {
  for (const { id, value, token, begun } of acknowledged) {
    const later = acknowledged.find((each) => each.id === id && each.token > token && each.at < begun);
    if (token > 0 && later !== undefined)
      violate(
        'stale write',
        `${value} was written under ${token}, after ${later.value} under ${later.token}`,
      );
  }
}

/** In the end there is what was acknowledged last, and every process knows all of it, and nothing else. */
function judgeEnd(
  records: readonly VectorsRecord[],
  { left, durable, acknowledged, all, sent, counts }: Known & Judging,
  violate: Violate,
): void {
  const documents = new Map(left.map((each) => [each.id, each]));
  for (const each of left) judgeDocument(each, sent, violate);
  if (durable)
    for (const write of latestOf(acknowledged))
      judgeSeen(write, documents.get(write.id), { all, what: 'the end', mayWait: false }, violate);
  const textOf = (some: readonly Omit<FoundRecord, 'score'>[]): string =>
    some
      .map(({ id, value, time }) => `${id}=${value}@${time}`)
      .sort()
      .join(' ');
  const written = Math.max(
    0,
    ...records.filter(({ e }) => e === 'writing' || e === 'written').map(({ at }) => at),
  );
  for (const record of records) {
    if (record.e !== 'ends' || record.at < written) continue;
    increase(counts, 'processes that know all in the end', 1);
    if (textOf(record.hits) !== textOf(left))
      violate('diverged', `${record.process} knows ${textOf(record.hits)} in the end, of ${textOf(left)}`);
  }
}
