/**
 * `holdfast vectors export`: writes the documents of an index as JSON lines, which `import` reads.
 *
 * Guarantees: a file that is written has all documents, or does not have its name: it is renamed when it is whole.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { answer, filterOf, INDEX_OPERAND, OF_EVERY_ACTION, onIndex, PLACE } from './opened.js';
import { FILTER, OUT, SCHEMA } from './options.js';

export const exportDocuments: Command = {
  ...OF_EVERY_ACTION,
  name: 'export',
  summary: 'Write all documents, with their vectors.',
  operands: [INDEX_OPERAND],
  about: `One line of JSON a document: id, time, expires, attributes, text, terms and
vector.
What is written to the index meanwhile comes as it was or as it is.`,
  options: [...PLACE, OUT, SCHEMA, FILTER, JSON_OUTPUT],
  example: 'holdfast vectors export kb --out kb.jsonl --redis redis://127.0.0.1:6379',
  run: onIndex(async (call) => {
    const { args, context, index } = call;
    const path = args.text(OUT);
    const lines = linesOf(index.export(given({ filter: filterOf(args) })));
    if (path === undefined) {
      for await (const line of lines) context.stdout.write(line);
      return 0;
    }
    const part = `${path}.part`;
    let documents = 0;
    const file = createWriteStream(part);
    try {
      await once(file, 'open').catch((error: Error) => {
        throw args.wrong(`"${path}" cannot be written: ${error.message}`);
      });
      for await (const line of lines) {
        documents += 1;
        if (!file.write(line)) await once(file, 'drain');
      }
      file.end();
      await once(file, 'finish');
      await rename(part, path);
    } catch (error) {
      file.destroy();
      await rm(part, { force: true });
      throw error;
    }
    return answer(call, { documents, file: path }, `${documents} documents are in ${path}.`);
  }),
};

type Exported = import('@holdfast/vectors').ExportedDocument;

async function* linesOf(documents: AsyncIterable<Exported>): AsyncGenerator<string> {
  for await (const { id, time, expires, attributes, text, terms, vectors } of documents) {
    const lists = Object.fromEntries(
      Object.entries(vectors).map(([name, some]) => [name, some.map((each) => [...each])]),
    );
    const [only] = Object.keys(lists);
    const own = only === '' ? lists[''] : lists;
    yield `${JSON.stringify({ id, time, expires, attributes, text, terms, vector: own })}\n`;
  }
}
