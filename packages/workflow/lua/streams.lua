-- Prelude of the verbs that know the streams of runs.
--
-- A stream is a list of "c <token> <index> <step>\n<chunk>", and of "r <token> <step>" where an attempt of a step follows
-- one that had written. The hash of its run's writers has, for each stream, "<stream>": the mailboxes of those who wait for
-- more, and "<stream> <step>": "<token> <count>", the step's latest attempt and how many chunks are of it.
--
-- Stands on: part
local BASE = string.sub(META, 1, -5)

-- Tells those who wait for more of a stream, once.
local function tell_readers(writers, run, stream)
  local mailboxes = redis.call('HGET', writers, stream)
  if not mailboxes then return end
  redis.call('HDEL', writers, stream)
  for mailbox in string.gmatch(mailboxes, '%S+') do mail(mailbox, 'c' .. run .. '\n' .. stream) end
end

local function writers_of(journal)
  return BASE .. 'w:' .. string.sub(journal, #BASE + 3)
end

-- The streams of a run that is over go with its journal: they are kept for so many ms.
-- The part of a key that names it is the same in all of them.
local function expire_streams(run, journal, ms)
  local name = string.sub(journal, #BASE + 3)
  local writers = writers_of(journal)
  local seen = {}
  for _, field in ipairs(redis.call('HKEYS', writers)) do
    local stream = string.match(field, '^%S+')
    if not seen[stream] then
      seen[stream] = true
      redis.call('PEXPIRE', BASE .. 'c:' .. name .. ':' .. stream, ms)
      tell_readers(writers, run, stream)
    end
  end
  redis.call('PEXPIRE', writers, ms)
end

-- What was written by steps that a run keeps which begins over a part of a journal.
local function copy_streams(source, journal)
  local from, to = string.sub(source, #BASE + 3), string.sub(journal, #BASE + 3)
  local writers = BASE .. 'w:' .. to
  redis.call('DEL', writers)
  for _, field in ipairs(redis.call('HKEYS', BASE .. 'w:' .. from)) do
    local stream, step = string.match(field, '^(%S+) ?(.*)$')
    if step ~= '' then
      redis.call('HSET', writers, field, redis.call('HGET', BASE .. 'w:' .. from, field))
      redis.call('COPY', BASE .. 'c:' .. from .. ':' .. stream, BASE .. 'c:' .. to .. ':' .. stream, 'REPLACE')
      redis.call('PERSIST', BASE .. 'c:' .. to .. ':' .. stream)
    end
  end
end
