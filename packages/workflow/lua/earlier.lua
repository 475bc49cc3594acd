-- Prelude of the verbs that know the earlier journals of runs.
--
-- EARLIER has, of a run that has begun another generation, the generations before, with spaces between, the latest last. So
-- many of them are kept: a run that goes on by continueAs again and again would fill the server.
--
-- Stands on: late, streams
local MOST_EARLIER = 100

local function erase_journal(run, generation)
  local journal = BASE .. 'j:' .. run .. '.' .. generation
  expire_streams(run, journal, 0)
  redis.call('DEL', journal, late_of(journal))
end

-- A run has begun another generation. `before`: what EARLIER had of it.
local function keep_earlier(run, before, generation)
  local all = {}
  for each in string.gmatch(before or '', '%S+') do all[#all + 1] = each end
  all[#all + 1] = generation
  if #all > MOST_EARLIER then erase_journal(run, table.remove(all, 1)) end
  redis.call('HSET', EARLIER, run, table.concat(all, ' '))
end
