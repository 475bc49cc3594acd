/** The options of `holdfast vectors`, besides those that it shares with other commands. */
import { type Option, REDIS } from '../../options.js';

export const INDEX_REDIS: Option = {
  ...REDIS,
  about: 'The Redis of the indexes. Required without --server.',
};

export const SCHEMA: Option = {
  name: 'schema',
  direct: 'detail',
  value: '<name=kind,…>',
  about:
    'The attributes for --filter: tag for texts, number for numbers, geo for positions, as kind=tag,price=number,office=geo.',
};

export const FILTER: Option = {
  name: 'filter',
  value: '<json>',
  about:
    'Only documents that match, as {"kind": "a", "price": {"lt": 5}}. Needs --schema, or a server that has one.',
};

export const VECTOR: Option = {
  name: 'vector',
  value: '<json>',
  about: 'The numbers of a vector that is to be near, as [0.1, 0.2].',
};

export const LIKE: Option = {
  name: 'like',
  value: '<id>',
  about: 'A document of the index that is to be near, instead of --vector; it is left out.',
};

export const TEXT: Option = {
  name: 'text',
  value: '<text>',
  about: 'Words that documents are to have; alone, or beside --vector or --like.',
};

export const WORD_PREFIX: Option = {
  name: 'word-prefix',
  about: 'The last word of --text may be a beginning.',
};

export const TYPOS: Option = {
  name: 'typos',
  about: 'A word of --text that no document has may have one typing error.',
};

export const TERMS: Option = {
  name: 'terms',
  value: '<json>',
  about:
    'Weights by term, as a sparse model gives them, as {"reset": 0.9}; alone, or beside --vector, --like or --text.',
};

export const FIELDS: Option = {
  name: 'fields',
  direct: 'detail',
  value: '<name,…>',
  about: 'The fields of the texts, if they have some. Default: each text is one.',
};

export const NAME: Option = {
  name: 'name',
  value: '<name>',
  about: 'Of named vectors, which. Default: the first.',
};

export const FORMAT: Option = {
  name: 'format',
  value: '<format>',
  about: "csv, jsonl or parquet. Default: by the file's ending.",
};

export const ID_COLUMN: Option = {
  name: 'id',
  value: '<column>',
  default: 'id',
  about: 'The column with the id.',
};

export const VECTOR_COLUMN: Option = {
  name: 'vectors',
  value: '<column>',
  default: 'vector',
  about:
    'The column with the vector, or a list of vectors; in CSV as JSON. With named vectors, JSON of the vectors of each name.',
};

export const TEXT_COLUMN: Option = {
  name: 'texts',
  value: '<column>',
  about: 'The column with the text. Default: documents have none.',
};

export const TERMS_COLUMN: Option = {
  name: 'terms',
  value: '<column>',
  about:
    'The column with weights by term, as a sparse model gives them; in CSV as JSON. Default: documents have none.',
};

export const TIME_COLUMN: Option = {
  name: 'time',
  value: '<column>',
  about:
    'The column with the event time: ms since the epoch, or a date as 2026-01-31T12:00Z. Default: all are true now.',
};

export const IMPORT_TTL: Option = {
  name: 'expire',
  value: '<duration>',
  about: 'For how long the documents are there. Default: until they are deleted.',
};

export const AGAIN: Option = {
  name: 'again',
  about: 'Begin with the first row, although the file was imported before, or a part of it.',
};

export const OUT: Option = {
  name: 'out',
  value: '<file>',
  about: 'The file to write, as JSON lines. Default: the standard output.',
};

export const QUERIES: Option = {
  name: 'queries',
  value: '<count>',
  default: '50',
  about: 'How many searches, up to 1000.',
};

export const LEAST: Option = {
  name: 'recall',
  value: '<percent>',
  default: '95',
  about: 'What part of the nearest is to be found, in percent; with less, the exit code is 1.',
};

export const LEASE: Option = {
  name: 'lock',
  value: '<name>',
  about: 'The resource that is held meanwhile. Default: "vectors:<index>".',
};

export const MODEL: Option = {
  name: 'model',
  value: '<file>',
  about:
    'A JavaScript module whose default export is what begin() of an index takes: { vectors, embed }, the vectors with their model, and an embedder unless there is embed.',
};

export const PENDING: Option = {
  name: 'pending',
  value: '<count>',
  default: '0',
  about:
    'How many documents, up to 1000000, may have been written since they were looked at; they are found by words only until they have their vectors.',
};

export const TO: Option = {
  name: 'to',
  value: '<model>',
  about: 'The model to go back to. Needed if several are kept.',
};

export const REPLACES: Option = {
  name: 'replaces',
  value: '<issuer>',
  about: 'The issuer of a builder that has ended for good, whose leases were of other nodes.',
};
