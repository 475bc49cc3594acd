/**
 * `npm run bench -- vectors-keywords`: an index of keywords beside MiniSearch.
 *
 * Guarantees: both store the same texts and answer the same queries, in this process and on one thread, and take turns within a
 * round. What is found is not compared: MiniSearch computes BM25+, and splits texts differently.
 */
import { createRequire } from 'node:module';
import { type Random, seededRandom } from '@holdfast/kernel';
import { createKeywordIndex } from '@holdfast/vectors';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report, type Target } from '../harness/report.js';
import { note, type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile, spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { manifestOf } from '../versions.js';

const SEED = 20_240_607;
const VOCABULARY = 60_000;
/** Words of a text. */
const [SHORTEST, LONGEST] = [20, 100];
const LIMIT = 10;

export const vectorsKeywords: Benchmark = {
  about: 'an index of keywords beside MiniSearch, without Redis',
  workloads: ['build', 'search', 'prefix', 'typos', 'replace'],
  open: (call) => new KeywordsBenchmark(call),
};

interface Engine {
  readonly name: string;
  put(at: number, text: string): void;
  replace(at: number, text: string): void;
  /** How many were found. */
  search(query: string): number;
  /** The same with the last word as a beginning, or with words that have an error. */
  searchLike(query: string, how: 'prefix' | 'typos'): number;
}

const holdfast = (): Engine => {
  const index = createKeywordIndex();
  const put = (at: number, text: string): void => index.put(String(at), text);
  return {
    ...{ name: 'holdfast', put, replace: put },
    search: (query) => index.search(query, { limit: LIMIT }).length,
    searchLike: (query, how) => index.search(query, { limit: LIMIT, [how]: true }).length,
  };
};

const require = createRequire(import.meta.url);

/** What is used of it. */
interface MiniSearch {
  add(document: { readonly id: number; readonly text: string }): void;
  discard(id: number): void;
  search(query: string, options?: object): readonly unknown[];
}

/** What MiniSearch has for it. */
const LIKE = {
  prefix: { prefix: (_: string, at: number, words: readonly string[]) => at === words.length - 1 },
  typos: { fuzzy: 1 },
};

const miniSearch = (): Engine => {
  const MiniSearchClass = require('minisearch') as new (options: { fields: string[] }) => MiniSearch;
  const index = new MiniSearchClass({ fields: ['text'] });
  return {
    name: 'minisearch',
    put: (id, text) => index.add({ id, text }),
    replace(id, text) {
      index.discard(id);
      index.add({ id, text });
    },
    search: (query) => index.search(query).slice(0, LIMIT).length,
    searchLike: (query, how) => index.search(query, LIKE[how]).slice(0, LIMIT).length,
  };
};

/** The last word without its last character, as somebody types it. */
const unfinished = (query: string): string => (/ \S\S$/.test(query) ? query : query.slice(0, -1));

/** Words of three characters and more with a character that makes them words of no text. */
const mistyped = (query: string): string => query.replace(/\bw(?=\S\S)/g, 'wz');

/** Texts in which the n-th word is as frequent as about 1 / n, as in languages; and queries of words of one text. */
function textSource(random: Random): { text(): string; query(text: string, isRare: boolean): string } {
  let sum = 0;
  const shares = Float64Array.from({ length: VOCABULARY }, (_, n) => {
    sum += (n + 2.7) ** -1.05;
    return sum;
  });
  const rankOf = (): number => {
    const wanted = random.unit() * sum;
    let [low, high] = [0, VOCABULARY - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shares[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    text: () =>
      Array.from(
        { length: SHORTEST + Math.floor((LONGEST - SHORTEST + 1) * random.unit()) },
        () => `w${rankOf().toString(36)}`,
      ).join(' '),
    query(text, isRare) {
      const words = text.split(' ');
      const wanted = isRare ? words.filter((word) => Number.parseInt(word.slice(1), 36) >= 50) : words;
      const from = wanted.length > 0 ? wanted : words;
      return Array.from({ length: 3 }, () => from[Math.floor(from.length * random.unit())]!).join(' ');
    },
  };
}

class KeywordsBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  readonly #engines: Engine[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress, workloads } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 2_000 : 250_000);
    const asked = quick ? 50 : 300;
    const random = seededRandom(SEED);
    const source = textSource(random);
    progress(`makes ${stored} texts, seed ${SEED}`);
    const texts = Array.from({ length: stored }, source.text);
    const textAt = (): string => texts[Math.floor(stored * random.unit())]!;
    // Half of the queries have no word of the fifty most frequent ones.
    const queries = Array.from({ length: asked }, (_, n) => source.query(textAt(), n % 2 === 0));
    for (const make of [holdfast, miniSearch]) this.#build(make, texts);
    if (workloads.has('search')) this.#search('search', queries, (engine, query) => engine.search(query));
    // MiniSearch takes seconds for one: it is asked a tenth of them, and so is the index.
    const few = queries.slice(0, Math.ceil(asked / 10));
    for (const [how, made] of [
      ['prefix', unfinished],
      ['typos', mistyped],
    ] as const)
      if (workloads.has(how))
        this.#search(how, few.map(made), (engine, query) => engine.searchLike(query, how));
    if (workloads.has('replace')) this.#replace(Array.from({ length: asked }, source.text), stored);
    return {
      title: 'An index of keywords beside MiniSearch',
      command: this.#call.command,
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        texts: `${stored} of ${SHORTEST} to ${LONGEST} words of ${VOCABULARY}`,
        queries: `${asked} of 3 words`,
      },
      targets: this.#targets(),
      tables: this.#tables(),
      remarks: [
        `minisearch ${manifestOf('minisearch').version}, with its defaults; \`prefix\` for the last word, and \`fuzzy: 1\`, where that is told.`,
        'The words are made: the n-th is as frequent as about 1 / n. MiniSearch sorts all documents that have a word; holdfast keeps the best.',
        'Memory is by how much the process has grown, with garbage collected.',
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    this.#engines.splice(0);
  }

  #build(make: () => Engine, texts: readonly string[]): void {
    globalThis.gc?.();
    const before = heldBytes();
    const cpu = process.cpuUsage();
    const engine = make();
    this.#engines.push(engine);
    this.#call.progress(`builds ${engine.name}`);
    texts.forEach((text, at) => {
      engine.put(at, text);
    });
    const { user, system } = process.cpuUsage(cpu);
    globalThis.gc?.();
    note(
      this.#results,
      { workload: 'build', contestant: engine.name },
      { 'build, s of CPU': (user + system) / 1e6, 'memory, MiB': (heldBytes() - before) / 2 ** 20 },
    );
  }

  #search(
    workload: string,
    queries: readonly string[],
    search: (engine: Engine, query: string) => number,
  ): void {
    const of = workload === 'search' ? '' : ` of ${workload}`;
    for (let round = -1; round < this.#call.rounds; round += 1) {
      this.#call.progress(`${workload}, round ${round + 1}`);
      for (const engine of turns(this.#engines, Math.max(round, 0))) {
        const times: number[] = [];
        const began = performance.now();
        for (const query of queries) {
          const start = performance.now();
          search(engine, query);
          times.push(performance.now() - start);
        }
        if (round < 0) continue; // until the code is compiled
        note(
          this.#results,
          { workload, contestant: engine.name },
          {
            [`searches/s${of}`]: (queries.length * 1_000) / (performance.now() - began),
            [`p50${of}, ms`]: quantile(times, 0.5),
            [`p99${of}, ms`]: quantile(times, 0.99),
          },
        );
      }
    }
  }

  #replace(texts: readonly string[], stored: number): void {
    for (let round = 0; round < this.#call.rounds; round += 1) {
      this.#call.progress(`replace, round ${round + 1}`);
      for (const engine of turns(this.#engines, round)) {
        const began = performance.now();
        texts.forEach((text, n) => {
          engine.replace((n * 7_919 + round) % stored, text);
        });
        const rate = (texts.length * 1_000) / (performance.now() - began);
        note(this.#results, { workload: 'replace', contestant: engine.name }, { 'replacements/s': rate });
      }
    }
  }

  #targets(): Target[] {
    const own = (metric: string) => valuesOf(this.#results, metric, 'holdfast');
    const ratio = (metric: string) => pairedRatio(own(metric), valuesOf(this.#results, metric, 'minisearch'));
    return [
      atMost('memory, to minisearch', ratio('memory, MiB'), 0.2),
      atMost('CPU of the build, to minisearch', ratio('build, s of CPU'), 0.5),
      ...(this.#call.workloads.has('search')
        ? [
            atLeast('searches, to minisearch', ratio('searches/s'), 10),
            atMost('p99 of a search, in ms', spread(own('p99, ms')), 3),
          ]
        : []),
    ];
  }

  #tables() {
    const about: Record<string, string> = {
      build: 'All texts one after the other. Once.',
      search: `The best ${LIMIT} of a query, one search at a time; median of the rounds (min–max).`,
      prefix:
        'The same with the last word of a query as it is typed, without its last character; a tenth of the queries.',
      typos: 'The same with an error in each word of three characters or more; a tenth of the queries.',
      replace: 'Texts in the place of others.',
    };
    return vectorsKeywords.workloads
      .filter((workload) => this.#call.workloads.has(workload) || workload === 'build')
      .map((workload) =>
        tableOf(this.#results, {
          ...{ workload, about: about[workload] ?? '' },
          ...{ contestants: ['holdfast', 'minisearch'], isCompared: true },
        }),
      );
  }
}

/** Inside the heap and outside of it. */
function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
