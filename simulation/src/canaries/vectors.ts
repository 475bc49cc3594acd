/** Mistakes in an index of vectors: events, tokens, what is kept, epochs, and what a process follows and answers. */
import type { Canary } from './canary.js';

const LUA = 'packages/vectors/lua';
const SRC = 'packages/vectors/src';

export const VECTORS_CANARIES: readonly Canary[] = [
  {
    name: 'an older event that wins',
    about: 'Documents are stored in the order in which their writes arrive.',
    changes: [
      { file: `${LUA}/judge.lua`, find: 'if time and time < old.time then', replace: 'if false then' },
    ],
  },
  {
    name: 'a deletion that is not remembered',
    about: 'A write that was true before a deletion brings the document back.',
    changes: [
      {
        file: `${LUA}/judge.lua`,
        find: '  if old then\n    -- Tokens',
        replace: '  if is_there then\n    -- Tokens',
      },
    ],
  },
  {
    name: 'documents kept to their expiry only',
    about: 'A document that has expired refuses nothing that comes late.',
    changes: [
      {
        file: `${LUA}/judge.lua`,
        find: 'expiry + math.min(math.max(expiry - millis, 1000), tombstones)',
        replace: 'expiry',
      },
    ],
  },
  {
    name: 'a document written under any token',
    about: 'The token of a write is stored, and not compared.',
    changes: [{ file: `${LUA}/judge.lua`, find: 'and token < old.token then', replace: 'and false then' }],
  },
  {
    name: 'a write without a token that resets it',
    about: 'After a write without a token, any token may write.',
    changes: [
      {
        file: `${LUA}/judge.lua`,
        find: 'if token == 0 then token, issuer = old.token, old.issuer end',
        replace: '',
      },
    ],
  },
  {
    name: 'tokens of two issuers compared',
    about: 'A holder of one issuer is refused for the token of another.',
    changes: [{ file: `${LUA}/judge.lua`, find: 'issuer == old.issuer and ', replace: '' }],
  },
  {
    name: 'a patch of what was read once',
    focus: 'patches',
    about: 'Of two patches at once, one is lost.',
    changes: [
      {
        file: `${SRC}/write/writer.ts`,
        find: 'body, expected: stored.sequence }',
        replace: 'body, expected: undefined }',
      },
    ],
  },
  {
    name: 'a deletion of what has changed',
    focus: 'patches',
    about: 'A deletion by a filter deletes what does not match it any more.',
    changes: [
      {
        file: `${SRC}/vector-index.ts`,
        find: 'this.#writer.delete(id, options, sequence)',
        replace: 'this.#writer.delete(id, options)',
      },
    ],
  },
  {
    name: 'a deletion that is not in the log',
    about: 'Only documents are entered in the log.',
    changes: [
      {
        file: `${LUA}/write.lua`,
        find: 'entries[#entries + 1], entries[#entries + 2] = text_of(new.sequence), id',
        replace:
          "if word ~= 'delete' then entries[#entries + 1], entries[#entries + 2] = text_of(new.sequence), id end",
      },
      {
        file: `${LUA}/write.lua`,
        find: "redis.call('ZADD', LOG, unpack(entries))",
        replace: "if #entries > 0 then redis.call('ZADD', LOG, unpack(entries)) end",
      },
    ],
  },
  {
    name: 'a document without its vectors',
    about: 'The vectors of a document that had some are not replaced.',
    changes: [
      {
        file: `${LUA}/write.lua`,
        find: "if each.bytes ~= '' then redis.call('SET', each.key, each.bytes) end",
        replace: "if each.bytes ~= '' then redis.call('SET', each.key, each.bytes, 'NX') end",
      },
    ],
  },
  {
    name: 'vectors of another write',
    about: 'Vectors are taken for those of the document beside them, whatever they were made of.',
    changes: [
      {
        file: `${SRC}/truth/record.ts`,
        find: 'if (!bytes.subarray(0, DIGEST_BYTES).equals(digest)) return undefined;',
        replace: 'void digest;',
      },
    ],
  },
  {
    name: 'a sequence for a whole call',
    about: 'Writes that come in one call have the same sequence.',
    changes: [
      { file: `${LUA}/meta.lua`, find: 'math.max(seq + 1, micros)', replace: 'math.max(seq, micros)' },
    ],
  },
  {
    name: 'an epoch that outlives its server',
    about: 'A server that has come back with an older memory goes on in the same epoch.',
    changes: [
      { file: `${LUA}/meta.lua`, find: 'if known[2] ~= SERVER then', replace: 'if not known[2] then' },
    ],
  },
  {
    name: 'waiters woken before their write is applied',
    about: 'A search after a place goes on when its page is known, before it is read.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: '    if (last && !this.#isWhole) {\n      await this.#apply(page.entries);',
        replace:
          '    if (last && !this.#isWhole) {\n      this.#reached = last.sequence;\n      await this.#apply(page.entries);',
      },
    ],
  },
  {
    name: 'documents that a server has forgotten',
    about: 'A follower goes on in another epoch without comparing what it knows.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: '    this.#reached = 0;\n    this.#compare({ since, purged: 0 });',
        replace: '    this.#reached = 0;\n    void since;',
      },
    ],
  },
  {
    name: 'what a comparison does not see',
    about: 'Documents that the server lacks stay where they are known.',
    changes: [
      { file: `${SRC}/follow/follower.ts`, find: 'if (!seen.has(id)) this.#remove(id);', replace: '' },
    ],
  },
  {
    name: 'a follower that was away too long',
    focus: 'absences',
    about: 'A follower that has missed a deletion, which is forgotten since, does not compare what it knows.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: 'if (this.#after < page.purged && begun < page.purged) {',
        replace: 'if (false as boolean) {',
      },
    ],
  },
  {
    name: 'a purge of what is there again',
    about: 'A document that was written since it was to be forgotten is forgotten.',
    changes: [
      { file: `${LUA}/purge.lua`, find: "redis.call('EXISTS', KEYS[first + 1]) == 0 and ", replace: '' },
      {
        file: `${SRC}/follow/follower.ts`,
        find: '    this.#leaving.delete(id);\n    this.#unreadable.delete(id);',
        replace: '    this.#unreadable.delete(id);',
      },
    ],
  },
  {
    name: 'deletions that are never forgotten',
    about: 'Nothing is taken out of the log.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: 'if (isLegible) this.#leaving.set(id, document?.expiry ?? 0);',
        replace: 'if (isLegible) return;',
      },
    ],
  },
  {
    name: 'documents found after their time',
    focus: 'expiries',
    about: 'What has expired is removed when something is read only.',
    changes: [{ file: `${SRC}/vector-index.ts`, find: '    this.#follower.expire();\n', replace: '' }],
  },
  {
    name: "the server's time when its answer comes",
    focus: 'expiries',
    about: 'What an answer says of the time counts from when it has come.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: 'this.time.note(sent, page.time);',
        replace: 'this.time.note(clock.now() - 0 * sent, page.time);',
      },
    ],
  },
  {
    name: 'a document removed before it is replaced',
    about: 'What is to be read again is not found until it is.',
    changes: [
      {
        file: `${SRC}/follow/follower.ts`,
        find: '      if (!isSame) wanted.push({ id, sequence });\n    }',
        replace:
          '      if (!isSame) wanted.push({ id, sequence });\n    }\n    for (const { id } of wanted) this.#remove(id);',
      },
    ],
  },
  {
    name: 'chunks that are left of an earlier write',
    about: 'A document keeps the vectors that it has too many.',
    changes: [
      {
        file: `${SRC}/follow/generation-index.ts`,
        find: 'for (let chunk = count; chunk < before; chunk++) this.#local.delete(keyOf(id, chunk));',
        replace: 'if (count === 0) this.delete(id);',
      },
    ],
  },
  {
    name: 'a page that is short of what matches',
    about: 'Chunks of one document take the places of other documents.',
    changes: [
      {
        file: `${SRC}/follow/generation-index.ts`,
        find: 'if (found.size >= most || isLast) break;',
        replace: 'if (found.size >= 0 || isLast) break;',
      },
    ],
  },
  {
    name: 'a selection that outlives a change',
    about: 'What a filter has selected is answered again, although a document is another one now.',
    changes: [
      {
        file: `${SRC}/follow/documents.ts`,
        find: 'const known = { ...document, number };\n    this.#selections.clear();',
        replace: 'const known = { ...document, number };',
      },
    ],
  },
  {
    name: 'attributes of an earlier write',
    about: 'A document is selected by what it was, as well as by what it is.',
    changes: [
      {
        file: `${SRC}/follow/documents.ts`,
        find: 'if (before) this.#columns.remove(before.number, before.attributes);',
        replace: '',
      },
    ],
  },
  {
    name: 'vectors of another name',
    about: 'Of documents with several vectors, all are those of the first name.',
    changes: [
      {
        file: `${SRC}/follow/generation-index.ts`,
        find: 'this.names.map((name, at) => [name, vectors[at]?.[chunk]] as const);',
        replace: 'this.names.map((name) => [name, vectors[0]?.[chunk]] as const);',
      },
    ],
  },
  {
    name: 'words of an earlier text',
    about: 'A document that is written without a text keeps the words that it had.',
    changes: [
      {
        file: `${SRC}/follow/words.ts`,
        find: 'if (content === undefined) words.delete(id);',
        replace: 'if (content === undefined) return;',
      },
    ],
  },
  {
    name: 'a text that is lost with a patch',
    about: 'A patch keeps the attributes and the vectors, and drops the text.',
    changes: [
      {
        file: `${SRC}/write/writer.ts`,
        find: 'text: text === undefined ? undefined : JSON.stringify(text),',
        replace: 'text: undefined,',
      },
    ],
  },
  {
    name: 'terms that are lost with a patch',
    about: 'A patch keeps the attributes, the text and the vectors, and drops the weights of terms.',
    changes: [
      {
        file: `${SRC}/write/writer.ts`,
        find: 'terms: terms && JSON.stringify(terms),',
        replace: 'terms: undefined,',
      },
    ],
  },
  {
    name: 'a search that does not wait',
    about: 'A search after a place answers what is known, if the place is of the same epoch.',
    changes: [
      {
        file: `${SRC}/vector-index.ts`,
        find: 'follower.epoch === epoch && follower.reached >= sequence',
        replace: 'follower.epoch === epoch',
      },
    ],
  },
];
