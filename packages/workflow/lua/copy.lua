-- Prelude of the verb that begins a run anew: makes a journal of a part of another.
--
-- then, for each record that is left out, and for each later one that is taken: ARGV its place, from 0
--
-- Stands on: header

-- In place of a record that is left out.
local BLANK = 'V -\n{}'

-- The header, `cut` records of the source behind its own, and then some of those that follow. ARGV from `at` on is how many
-- of the following are places, from 0, that are left out, and then the places of those that follow.
local function copy_journal(source, journal, header, cut, at)
  redis.call('COPY', source, journal, 'REPLACE') -- of a run of the name there may be one that nobody knows any more
  redis.call('PERSIST', journal)
  redis.call('LTRIM', journal, 0, cut)
  redis.call('LSET', journal, 0, stamped(header))
  local left = tonumber(ARGV[at])
  for index = at + 1, at + left do redis.call('LSET', journal, ARGV[index], BLANK) end
  for index = at + 1 + left, #ARGV do redis.call('RPUSH', journal, redis.call('LINDEX', source, ARGV[index])) end
end
