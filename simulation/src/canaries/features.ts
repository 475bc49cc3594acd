/** Mistakes in the feature store: its Lua, its lanes, its generations and its reads. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const SRC = 'packages/features/src';

export const FEATURES_CANARIES: readonly Canary[] = [
  {
    name: 'a row of the same time that replaces any',
    about: 'Of two rows with the same event time, the one that arrives later stays, whatever its lane.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: "if time < before then verdict = 'o'",
        replace: "if time < before then verdict = 'o'\n    elseif time == before then verdict = 'a'",
      },
    ],
  },
  {
    name: 'a row of the same time that replaces none',
    about: 'A correction by a lane of a higher rank is refused.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: 'verdict = tie_of(row, old, rank, rank_before) end',
        replace: "verdict = 'e' end",
      },
    ],
  },
  {
    name: 'an older row that replaces a newer',
    about: 'Rows are stored in the order in which they arrive.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: "if time < before then verdict = 'o'",
        replace: "if false then verdict = 'o'",
      },
    ],
  },
  {
    name: 'a tie decided by token before rank',
    about: 'Of two lanes, the one with the higher token wins at the same event time.',
    changes: [
      {
        file: `${LUA}/rows.lua`,
        find: "if rank ~= old_rank then return rank > old_rank and 'a' or 'e' end",
        replace: '',
      },
    ],
  },
  {
    name: 'a row in the far future',
    about: 'The time of a row is not compared with the clock.',
    changes: [{ file: `${LUA}/land.lua`, find: ' or time > latest', replace: '' }],
  },
  {
    name: 'a row that is impossible refuses those behind it',
    about: 'One row in the future makes the rows behind it in its call refused, too.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: "verdict = 'f'\n  elseif old then",
        replace: "verdict, latest = 'f', -1\n  elseif old then",
      },
    ],
  },
  {
    name: 'a lane that lands with any mark',
    about: 'The right to a lane is asked for when it is opened, and never again.',
    changes: [
      { file: `${LUA}/owner.lua`, find: "if now ~= text then return {'stale', now} end", replace: '' },
    ],
  },
  {
    name: 'a source partition that lands with any mark',
    about: 'A holder that has lost a source partition goes on taking it in.',
    changes: [
      {
        file: `${LUA}/owner.lua`,
        find: "if now ~= text and index == 2 then return {'taken', now} end\n    if now ~= text then return {'stale', now} end",
        replace: "if now ~= text and index == 1 then return {'stale', now} end",
      },
    ],
  },
  {
    name: 'a lane opened by a lower token',
    about: 'A deposed holder takes its lane back.',
    changes: [
      {
        file: `${LUA}/open.lua`,
        find: "elseif tonumber(token) < tonumber(has) then return {'stale', mark} end",
        replace: 'end',
      },
    ],
  },
  {
    name: 'a lane that is opened in one partition',
    about: 'Whoever opens a lane is its owner in the first partition only.',
    changes: [
      {
        file: `${SRC}/lane/ownership.ts`,
        find: '...(await Promise.all(others.map((each) => this.#openIn(each))))];',
        replace:
          '...(await Promise.all(others.map(async (each) => (await each.call(each.verbs.survey, this.#options.generation)) && opened)))];',
      },
    ],
  },
  {
    name: 'a first epoch that forgets nothing',
    about: 'A server that has forgotten everything takes any holder at its word.',
    changes: [{ file: `${LUA}/open.lua`, find: " and is_new == '1')", replace: ')' }],
  },
  {
    name: 'a right that is not renewed',
    about: 'A lane is opened on a server that may have forgotten who owns it without asking the issuer.',
    changes: [{ file: `${SRC}/lane/ownership.ts`, find: '        await this.#renew();\n', replace: '' }],
  },
  {
    name: 'an epoch that is not another',
    about: 'A server with another memory is taken for the one before.',
    changes: [
      {
        file: `${LUA}/owner.lua`,
        find: "if not is_of_now(mark) or (source ~= '' and not is_of_now(own)) then return {'forgot', epoch} end",
        replace: '',
      },
    ],
  },
  {
    name: 'an epoch by its count alone',
    about: 'Two servers that both have forgotten once have the same epoch.',
    changes: [
      {
        file: `${LUA}/record.lua`,
        find: "string.format('%d.%s%s', count, string.sub(SERVER, 1, 12), string.sub(SERVER, 42, 53))",
        replace: "string.format('%d.%s', count, 'x')",
      },
    ],
  },
  {
    name: 'an offset that is not compared',
    about: 'Records that were taken in are taken in again.',
    changes: [
      {
        file: `${LUA}/owner.lua`,
        find: "if not is_above(through, taken) then return {'repeated', taken} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a gap in the source',
    about: 'Records that come after a gap are taken in.',
    changes: [
      { file: `${LUA}/owner.lua`, find: "if after ~= taken then return {'gap', taken} end", replace: '' },
    ],
  },
  {
    name: 'an offset that rows do not store',
    about: 'The rows of a source land without the offset up to which they go.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: "if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end",
        replace: "if through ~= '' then redis.call('HSET', RECORD, 'kind:' .. lane, 'followed') end",
      },
    ],
  },
  {
    name: 'an offset that two lanes share',
    about: 'The offsets of all lanes of a generation are one.',
    changes: [
      {
        file: `${LUA}/tally.lua`,
        find: "if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end",
        replace:
          "if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. source, through, 'kind:' .. lane, 'followed') end",
      },
    ],
  },
  {
    name: 'partitions that are told nothing',
    about: 'A partition for which nothing has come is never told how far the source was taken in.',
    changes: [
      {
        file: `${SRC}/lane/pass.ts`,
        find: 'if (through !== undefined) for (const each of this.#outboxes) each.tell(through);',
        replace: '',
      },
    ],
  },
  {
    name: 'a partition told past its gap',
    about: 'A partition is told an offset without what comes before it.',
    changes: [
      {
        file: `${LUA}/tell.lua`,
        find: ' or misplaced(generation, lane, source, after, through)',
        replace: '',
      },
    ],
  },
  {
    name: 'a sum that keeps what was replaced',
    about: 'The checksum of a replaced row stays in the sum of its generation.',
    changes: [
      { file: `${LUA}/land.lua`, find: "if verdict == 'a' then sum = sum - check_before end", replace: '' },
    ],
  },
  {
    name: 'a row that is counted when replaced',
    about: 'Rows that replace others are counted as new ones.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: '  else added = added + 1 end',
        replace: "  end\n  if verdict == 'a' then added = added + 1 end",
      },
    ],
  },
  {
    name: 'rows that are not logged',
    about: 'Rows are accepted, and their log does not have them.',
    changes: [
      { file: `${LUA}/land.lua`, find: "if history == '1' then log(unpack(write)) end", replace: '' },
    ],
  },
  {
    name: 'a log of first rows',
    about: 'Of a call, only its first row is logged.',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: "if history == '1' then log(unpack(write)) end",
        replace: "if history == '1' then log(unpack(write, 1, 2)) end",
      },
    ],
  },
  {
    name: 'tiles that replace one another',
    about: 'Events are added to a tile as if it were empty.',
    changes: [
      {
        file: `${LUA}/tally.lua`,
        find: 'old and merge_tiles(old, tile, shape.series) or tile',
        replace: 'tile',
      },
    ],
  },
  {
    name: 'a last value by arrival',
    about: 'The last value of a window is the one that arrived last.',
    changes: [
      {
        file: `${LUA}/tile.lua`,
        find: 'if when > time or (when == time and place >= sequence) then',
        replace: 'if true then',
      },
    ],
  },
  {
    name: 'a late event that is counted',
    about: 'An event that is older than its ring reaches back takes the place of a newer tile.',
    changes: [
      {
        file: `${LUA}/tally.lua`,
        find: "if number <= ring.newest - shape.tiles then return 'l' end",
        replace: '',
      },
    ],
  },
  {
    name: 'latest events in the order of arrival',
    about: 'A list of the latest events is not ordered by their times.',
    changes: [{ file: `${LUA}/latest.lua`, find: '  table.sort(all, is_later)\n', replace: '' }],
  },
  {
    name: 'a swap without its token',
    about: 'A builder that was replaced has its generation read.',
    changes: [
      {
        file: `${LUA}/swap.lua`,
        find: '  local refusal = refused(view, token, issuer)\n  if refusal then return refusal end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a change without its token',
    about: 'A builder that was replaced begins, cuts and retires.',
    changes: [
      {
        file: `${LUA}/generations.lua`,
        find: "if has and tonumber(token) < tonumber(has) then return {'stale', known, view} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a swap of a cut that was undone',
    about: 'The end of a cut is not bound to its begin.',
    changes: [
      {
        file: `${LUA}/swap.lua`,
        find: 'if not cutting or cutting.at ~= number or cutting.views ~= views then',
        replace: 'if not cutting then',
      },
    ],
  },
  {
    name: 'a cut that closes nothing',
    about: 'The generation that is read takes rows while it is replaced.',
    changes: [
      {
        file: `${LUA}/close.lua`,
        find: "redis.call('HSET', RECORD, 'closed:' .. ARGV[1], ARGV[2])",
        replace: '',
      },
    ],
  },
  {
    name: 'a cut that waits for nothing',
    about: 'A generation is read before its lanes have caught up.',
    changes: [
      {
        file: `${SRC}/generation/cut.ts`,
        find: '        if (lacks.length === 0) break;\n',
        replace: '        break;\n',
      },
    ],
  },
  {
    name: 'a cut that looks at one partition',
    about: 'How far a lane has caught up is compared partition by partition, in the first one.',
    changes: [
      {
        file: `${SRC}/generation/gate.ts`,
        find: 'const wanted = extreme(offsetsOf(name, source, old), 1);',
        replace: 'const wanted = extreme(offsetsOf(name, source, old), -1);',
      },
    ],
  },
  {
    name: 'a closed generation that takes rows',
    about: 'A generation that is closed takes what comes from a source.',
    changes: [
      { file: `${LUA}/owner.lua`, find: "  if found[2] then return {'closed', found[2]} end\n", replace: '' },
    ],
  },
  {
    name: 'a generation that is never opened again',
    about: 'What a cut has closed stays closed.',
    changes: [
      { file: `${LUA}/reopen.lua`, find: "redis.call('HDEL', RECORD, 'closed:' .. ARGV[1])", replace: '' },
    ],
  },
  {
    name: 'a cut of the dead that nobody undoes',
    about: 'A builder that dies in a cut leaves its view closed for ever.',
    changes: [
      {
        file: `${LUA}/overdue.lua`,
        find: 'if cutting and micros <= cutting.deadline then',
        replace: 'if cutting then',
      },
    ],
  },
  {
    name: 'a catalog that forgot and is not asked again',
    about: 'Who changes a catalog of another server does not ask the partitions first.',
    changes: [
      {
        file: `${SRC}/store/catalog.ts`,
        find: "reply[0] === 'forgot' && name !== 'swap' && tries < TRIES",
        replace: 'tries < 0',
      },
    ],
  },
  {
    name: 'pointers that are held for ever',
    about: 'A reader goes on with what it has once learned to be live.',
    changes: [
      {
        file: `${SRC}/read/pointer.ts`,
        find: 'if (held !== undefined && age < POINTER_LEASE / 2) return held;',
        replace: 'if (held !== undefined) return held;',
      },
    ],
  },
  {
    name: 'rows that are dropped at once',
    about: 'The rows of a generation that was retired go before the lease of its readers is over.',
    changes: [{ file: `${SRC}/generation/generation.ts`, find: 'POINTER_LEASE)', replace: '0)' }],
  },
  {
    name: 'answers of half a cut',
    about: 'A cut of two views has them read one after the other.',
    changes: [
      {
        file: `${SRC}/features.ts`,
        find: '    await Generation.cut(this.#catalog, generations, options);',
        replace: '    for (const each of generations) await Generation.cut(this.#catalog, [each], options);',
      },
    ],
  },
  {
    name: 'numbers of generations given twice',
    about: 'A generation that was begun again has the number of the one before.',
    changes: [
      {
        file: `${LUA}/begin.lua`,
        find: ", 'last:' .. view, number, 'definition:'",
        replace: ", 'definition:'",
      },
    ],
  },
];
