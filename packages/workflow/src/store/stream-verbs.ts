/**
 * The verbs of streams.
 */
import type { Reply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import { scriptOf } from './scripts.js';
import type { Appended, AppendRequest, Chunks, ChunksRequest } from './stream-store.js';
import { BATCH, makersFor } from './verb-makers.js';

export function ofStreams(keys: PartitionKeys) {
  const { make, single } = makersFor(keys);
  return {
    append: make<AppendRequest, Appended>({
      script: scriptOf('append'),
      most: BATCH,
      keys: (request) => [keys.stream(request, request.stream), keys.writers(request)],
      args: appendArgs,
      decode: ([, ...answers]) => answers.map(readAppended),
    }),
    chunks: single<ChunksRequest, Chunks>(
      'chunks',
      {
        keys: (request) => [keys.stream(request, request.stream), keys.writers(request)],
        args: chunksArgs,
      },
      readChunks,
    ),
  };
}

function appendArgs(request: AppendRequest): readonly string[] {
  const { run, token, session, stream, step, attempt, index, chunks } = request;
  return [
    ...[run, String(token), session, stream, step, String(attempt), String(index)],
    ...[String(chunks.length), ...chunks],
  ];
}

function readAppended(answer: Reply): Appended {
  const [word, count] = String(answer).split(' ');
  return { word: word as Appended['word'], count: Number(count) };
}

const chunksArgs = ({ run, generation, stream, passed, head, mailbox }: ChunksRequest): readonly string[] => [
  ...[run, generation, stream, String(passed), head, mailbox],
];

function readChunks([word, passed, ...rest]: readonly Reply[]): Chunks {
  if (word === 'unknown') return { word };
  if (word === 'gen') return { word, generation: String(passed) };
  const texts = rest.map(String);
  const end = texts.indexOf('');
  const latest = texts.slice(0, end).map((text): [string, number] => {
    const [step = '', token] = text.split(' ');
    return [step, Number(token)];
  });
  return {
    word: word as 'more' | 'open' | 'over',
    passed: Number(passed),
    latest: new Map(latest),
    entries: texts.slice(end + 1),
  };
}
