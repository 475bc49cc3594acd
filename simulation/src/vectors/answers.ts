/**
 * What processes are answered, judged by what the server has stored.
 *
 * Guarantees: a document that is answered was stored so, as a whole; none is answered that the place of the answer knows to be
 * replaced, deleted or forgotten, or that had expired when it was asked for; and none that matches is left out.
 */
import type { Violate } from '../run/part.js';
import type { History, State } from './history.js';
import { type Attributes, cosine, isModel, type VectorName, vectorsOf, wordsOf } from './names.js';

/** What a process knew when it began to read. */
export interface Reading {
  /** The server's time then, in ms. */
  readonly began: number;
  /** The place that is to be seen. */
  readonly after: string | undefined;
  /** The place of the last search of the process that had ended. */
  readonly seen: string | undefined;
}

/** A document as it was answered. */
export interface Answered {
  readonly id: string;
  readonly attributes: Attributes;
  readonly time: number;
  readonly score?: number;
  readonly chunk?: number;
}

/** What was asked for. */
export interface Question {
  readonly matches: (attributes: Attributes) => boolean;
  /** Most documents of the answer. */
  readonly limit: number;
  /** Of a search: what is to be near, and the word that is to be there; one of the two is enough. */
  readonly near?: {
    readonly vector: readonly number[] | undefined;
    readonly word: string | undefined;
    readonly name: VectorName;
  };
  /** Of a scroll: documents come after this one. */
  readonly from?: string | undefined;
  /** Whether it is told that nothing comes behind this. */
  readonly isEnd?: boolean;
  /** Of get: the only one. */
  readonly id?: string;
}

interface Near {
  readonly vector: readonly number[] | undefined;
  readonly word: string | undefined;
  /** That of the vector. */
  readonly name: VectorName;
}

/** By document. */
type Known = (id: string) => Place | undefined;

interface Place {
  readonly epoch: string;
  readonly sequence: number;
}

/** How many documents there must be at least, and may be at most. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Scores are computed from rows of 8 bits a number. */
const ERROR = 0.03;
/** Documents that expire so soon after an answer, in ms, need not be in it. */
const SOON = 10_000;

export interface AnswersParts {
  readonly violate: Violate;
  /** All documents, by the shards in which they lie; one, if there are none. */
  readonly shards: readonly { readonly ids: readonly string[]; readonly history: History }[];
  /** The server's time, in ms. */
  readonly now: () => number;
  /** Whether the text of a write had its vectors at a place, where models make them. */
  readonly wereMade: (at: Place, id: string, v: number) => boolean;
  /** By how much a process's idea of the server's time may be behind, in ms. */
  readonly slack: number;
}

export class Answers {
  readonly #parts: AnswersParts;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
  }

  /** `place` is that of the answer, if it tells one. */
  judge(reading: Reading, question: Question, answered: readonly Answered[], place?: string): void {
    const { violate } = this.#parts;
    if (place !== undefined) this.#requireReached(reading, place);
    const known = this.#known(reading, place);
    for (const each of answered) this.#judgeOne(reading, each, { question, known: known(each.id) });
    if (new Set(answered.map(({ id }) => id)).size < answered.length)
      violate('N5', `an answer has a document twice: ${answered.map(({ id }) => id).join()}`);
    if (answered.length > question.limit)
      violate('N5', `${answered.length} documents are answered, of ${question.limit}`);
    this.#requireOrder(question, answered);
    this.#requireAll(known, question, answered);
  }

  /** How many documents match, as a process was told. */
  judgeCount(reading: Reading, question: Question, count: number, place?: string): void {
    const known = this.#known(reading, place);
    if (this.#ids.some((id) => known(id) === undefined)) return;
    const { least, most } = this.#boundsOf(known, question);
    if (count < least || count > most)
      this.#parts.violate('N3', `${count} documents are counted, of at least ${least} and at most ${most}`);
  }

  /** An answer after a place sees no less. */
  #requireReached({ after, seen }: Reading, place: string): void {
    const { violate } = this.#parts;
    for (const [shard, part] of readPlaces(place).entries()) {
      const [wanted, before] = [after, seen].map((each) => each && readPlaces(each)[shard]) as (
        | Place
        | undefined
      )[];
      if (part === undefined) continue; // this shard has not answered
      const falls = (least: Place): boolean => least.epoch === part.epoch && part.sequence < least.sequence;
      if (wanted && (falls(wanted) || wanted.epoch !== part.epoch))
        violate('N2', `an answer after ${after} is of ${place}`);
      if (before && falls(before)) violate('N2', `an answer is of ${place}, after one of ${seen}`);
    }
  }

  get #ids(): readonly string[] {
    return this.#parts.shards.flatMap(({ ids }) => ids);
  }

  #shardOf(id: string): number {
    return this.#parts.shards.findIndex(({ ids }) => ids.includes(id));
  }

  #historyOf(id: string): History {
    return this.#parts.shards[this.#shardOf(id)]!.history;
  }

  /** Up to where an answer has seen everything, by document. */
  #known(reading: Reading, place: string | undefined): Known {
    return (id) => this.#placeOf(this.#shardOf(id), reading, place);
  }

  /** Up to where an answer has seen everything; undefined if that is not known. */
  #placeOf(shard: number, { after, seen }: Reading, place: string | undefined): Place | undefined {
    const { history } = this.#parts.shards[shard]!;
    if (place !== undefined) {
      const read = readPlaces(place)[shard];
      return read && read.sequence > 0 ? read : undefined;
    }
    // Without one, it is no earlier than what was asked for, and what had been seen, in the epoch that goes on.
    const places = [after, seen].flatMap((each) => (each && readPlaces(each)[shard]) || []);
    const present = places.filter(({ epoch, sequence }) => epoch === history.epoch && sequence > 0);
    return present.sort((one, other) => other.sequence - one.sequence)[0];
  }

  #judgeOne(
    { began }: Reading,
    answered: Answered,
    { question, known }: { readonly question: Question; readonly known: Place | undefined },
  ): void {
    const { violate, slack } = this.#parts;
    const { id, attributes, time } = answered;
    const history = this.#historyOf(id);
    const text = `${id} ${JSON.stringify(attributes)} of ${time}`;
    const isSo = (state: State): boolean =>
      state.id === id && state.time === time && inOrder(state.attributes) === inOrder(attributes);
    const written = history.writtenAs(attributes.n).filter(isSo);
    if (written.length === 0) violate('N5', `${text} is answered, which was never stored so`);
    if (!question.matches(attributes)) violate('N5', `${text} is answered, which does not match`);
    if (question.id !== undefined && question.id !== id)
      violate('N5', `${text} is answered for ${question.id}`);
    if (question.from !== undefined && id <= question.from)
      violate('N5', `${text} is answered after ${question.from}`);
    if (question.near) this.#requireFound(answered, question.near);
    const lastsUntil = Math.max(...written.map(({ expiry }) => expiry || Number.POSITIVE_INFINITY));
    if (lastsUntil <= began - slack)
      violate('N4', `${text} is answered, which had expired at ${lastsUntil}; it was asked for at ${began}`);
    if (known) this.#requirePresent(known, text, { id, isSo });
  }

  /** At the place, the state was neither replaced nor forgotten. */
  #requirePresent(
    { epoch, sequence }: Place,
    text: string,
    { id, isSo }: { readonly id: string; readonly isSo: (state: State) => boolean },
  ): void {
    const { violate } = this.#parts;
    const states = this.#historyOf(id).of(epoch, id);
    const last = states.findLastIndex(isSo);
    if (last < 0) {
      violate('N3', `${text} is answered up to ${sequence} of ${epoch}, which does not have it`);
      return;
    }
    const next = states[last + 1];
    if (next && next.sequence <= sequence)
      violate('N2', `${text} is answered up to ${sequence}, although ${next.sequence} has replaced it`);
  }

  #requireFound(answered: Answered, { vector, word, name }: Near): void {
    const { id, attributes } = answered;
    const hasWord = word !== undefined && wordsOf(attributes).includes(word);
    if (word === undefined && vector) this.#requireScore(answered, vector, name);
    else if (!hasWord && !(vector && attributes.chunks > 0))
      this.#parts.violate('N5', `${id} is found by "${word}", and has ${wordsOf(attributes).join(' ')}`);
  }

  #requireScore(
    { id, attributes, score = 0, chunk = 0 }: Answered,
    vector: readonly number[],
    name: VectorName,
  ): void {
    const { violate } = this.#parts;
    const scores = vectorsOf(attributes, name).map((each) => cosine(vector, each));
    const best = Math.max(...scores);
    if (scores.length === 0) violate('N5', `${id} is found, which has no vectors`);
    else if (Math.abs(score - best) > ERROR)
      violate('N5', `${id} is found with ${score}, and its nearest vector has ${best}`);
    else if ((scores[chunk] ?? -2) < best - 2 * ERROR)
      violate('N5', `${id} is found by its chunk ${chunk}, which is not its nearest`);
  }

  #requireOrder({ near }: Question, answered: readonly Answered[]): void {
    for (const [place, { id, score = 0 }] of answered.entries()) {
      const before = answered[place - 1];
      if (before === undefined) continue;
      const isInOrder = near ? (before.score ?? 0) >= score : before.id < id;
      if (!isInOrder) this.#parts.violate('N5', `${id} is answered behind ${before.id}`);
    }
  }

  /** What matches throughout is there, unless the answer is full of what comes first. */
  #requireAll(known: Known, question: Question, answered: readonly Answered[]): void {
    const isFull = answered.length === question.limit && question.isEnd !== true;
    const last = isFull ? answered.at(-1) : undefined;
    for (const id of this.#ids) {
      const at = known(id);
      const states = at && this.#requiredStates(at, question, id);
      if (at === undefined || states === undefined || answered.some((each) => each.id === id)) continue;
      if (question.from !== undefined && id <= question.from) continue;
      if (last && isBehind(states, question, last)) continue;
      const text = states.map(({ body }) => body).join(' or ');
      this.#parts.violate(
        'N3',
        `${id}, which is ${text}, is missing in an answer up to ${at.sequence} of ${at.epoch}`,
      );
    }
  }

  /** What a document has been since the place, if it has matched all the time; undefined if not. */
  #requiredStates({ epoch, sequence }: Place, question: Question, id: string): readonly State[] | undefined {
    const states = this.#since({ epoch, sequence }, id);
    const lasts = this.#parts.now() + SOON;
    const isThere = ({ attributes, expiry }: State): boolean =>
      attributes !== undefined && (expiry === 0 || expiry > lasts) && isWanted(question, id, attributes);
    const isSo = states.length > 0 && states[0]!.sequence <= sequence && states.every(isThere);
    return isSo && this.#haveVectors({ epoch, sequence }, question, states) ? states : undefined;
  }

  /** Whether what models make of texts was there all the time. */
  #haveVectors(at: Place, { near }: Question, states: readonly State[]): boolean {
    if (near === undefined || !isModel(near.name)) return true;
    return states.every(({ id, attributes }) => attributes && this.#parts.wereMade(at, id, attributes.v));
  }

  #boundsOf(known: Known, question: Question): Bounds {
    const least = this.#ids.filter(
      (id) => this.#requiredStates(known(id)!, question, id) !== undefined,
    ).length;
    const most = this.#ids.filter((id) =>
      this.#since(known(id)!, id).some(({ attributes }) => attributes && isWanted(question, id, attributes)),
    ).length;
    return { least, most };
  }

  /** The state at a place, and all that came later. */
  #since({ epoch, sequence }: Place, id: string): readonly State[] {
    const states = this.#historyOf(id).of(epoch, id);
    const base = states.findLastIndex((state) => state.sequence <= sequence);
    return states.slice(Math.max(0, base));
  }
}

function isWanted({ matches, near, id: only }: Question, id: string, attributes: Attributes): boolean {
  const isNear =
    near === undefined ||
    (near.vector !== undefined && attributes.chunks > 0) ||
    (near.word !== undefined && wordsOf(attributes).includes(near.word));
  return (only === undefined || only === id) && isNear && matches(attributes);
}

/** Whether a document that is not in a full answer comes behind its last one. */
function isBehind(states: readonly State[], { near }: Question, last: Answered): boolean {
  if (near === undefined) return states[0]!.id > last.id;
  const { vector, word, name } = near;
  if (vector === undefined || word !== undefined) return true; // how words are scored is not judged here
  const scores = states.map(({ attributes }) =>
    Math.max(...(attributes ? vectorsOf(attributes, name) : []).map((each) => cosine(vector, each))),
  );
  return Math.min(...scores) <= (last.score ?? 0) + 2 * ERROR;
}

/** Of each shard; undefined for one of which the place says nothing. */
export const readPlaces = (place: string): readonly (Place | undefined)[] =>
  place.split(',').map((part) => (part === '' ? undefined : readPlace(part)));

export function readPlace(place: string): Place {
  const [epoch = '', sequence] = place.split('@');
  return { epoch, sequence: Number(sequence) };
}

const inOrder = (attributes: object | undefined): string =>
  JSON.stringify(Object.entries(attributes ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)));
