/** Mistakes in what a feature store takes in: rights, rows, offsets and windows. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const SRC = 'packages/features/src';

export const FEATURES_CANARIES: readonly Canary[] = [
  {
    name: 'a row of the same time that replaces any',
    about: 'Of two rows with the same event time, the one that arrives later stays, whatever its lane.',
    focus: 'ties',
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
        find: 'verdict = tie_of(row, old) end',
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
    focus: 'ties',
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
        find: "verdict = 'f'\n  elseif erased[index] then",
        replace: "verdict, latest = 'f', -1\n  elseif erased[index] then",
      },
    ],
  },
  {
    name: 'a lane that lands with any mark',
    about: 'The right to a lane is asked for when it is opened, and never again.',
    focus: 'takeovers',
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
    focus: 'takeovers',
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
    focus: 'losses',
    changes: [{ file: `${LUA}/open.lua`, find: " and is_new == '1')", replace: ')' }],
  },
  {
    name: 'a right that is not renewed',
    about: 'A lane is opened on a server that may have forgotten who owns it without asking the issuer.',
    focus: 'losses',
    changes: [{ file: `${SRC}/lane/ownership.ts`, find: '        await this.#renew();\n', replace: '' }],
  },
  {
    name: 'an epoch that is not another',
    about: 'A server with another memory is taken for the one before.',
    focus: 'losses',
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
    focus: 'losses',
    changes: [
      {
        file: `${LUA}/record.lua`,
        find: "string.format('%d.%s%s%.0f', count, string.sub(SERVER, 1, 8), string.sub(SERVER, 42, 49), micros)",
        replace: "string.format('%d.%s', count, 'x')",
      },
    ],
  },
  {
    name: 'an offset that is not compared',
    about: 'Records that were taken in are taken in again.',
    focus: 'repeats',
    changes: [
      {
        file: `${LUA}/owner.lua`,
        find: "if not is_above(through, taken) then return {'repeated', taken} end",
        replace: '',
      },
      { file: `${LUA}/owner.lua`, find: "if after ~= taken then return {'gap', taken} end", replace: '' },
    ],
  },
  {
    name: 'a gap in the source',
    about:
      'A follower goes on from where it was on a server that has forgotten, which takes in what comes after the gap.',
    focus: 'losses',
    changes: [
      { file: `${LUA}/owner.lua`, find: "if after ~= taken then return {'gap', taken} end", replace: '' },
      {
        file: `${SRC}/lane/outbox.ts`,
        find: "if (reply.word !== 'closed' && reply.word !== 'stale') throw new Elsewhere();",
        replace: "if (reply.word === 'gap') throw new Elsewhere();",
      },
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
    about: 'The offsets of all lanes of all generations are one.',
    changes: [
      ...(['land', 'tally', 'tell'] as const).map((verb) => ({
        file: `${LUA}/${verb}.lua`,
        find: "redis.call('HSET', RECORD, 'offset:' .. lane .. source, through",
        replace: "redis.call('HSET', RECORD, 'offset:' .. source, through",
      })),
      ...(['open', 'owner'] as const).map((part) => ({
        file: `${LUA}/${part}.lua`,
        find: part === 'open' ? "'offset:' .. lane," : "'offset:' .. lane .. source,",
        replace: "'offset:' .. source,",
      })),
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
    name: 'flags that are never cleared',
    about: 'A flag that was set stays set.',
    changes: [{ file: `${LUA}/flag.lua`, find: "value == '+' and 1 or 0", replace: '1' }],
  },
  {
    name: 'flags that are not logged',
    about: 'Flags are set, and their log does not have them.',
    changes: [
      { file: `${LUA}/flag.lua`, find: "if history == '1' then log(unpack(entry)) end", replace: '' },
    ],
  },
  {
    name: 'flags of another id',
    about: 'Of ids in one chunk, all are answered the flags of the first.',
    changes: [
      { file: `${SRC}/read/flags.ts`, find: '[place] = bits[n] ?? 0;', replace: '[place] = bits[0] ?? 0;' },
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
];
