-- Prelude of the verbs that begin and end tasks, and of those that count and resume: the circuit breaker of the queue.
--
-- META keeps in `breaker` "<failures> <within in ms> <pause in ms>", if there is one. While it is open, `broken` is the time
-- in ms until which no task begins; from then on it is half-open: one task at a time begins, and `probe` is its delivery,
-- "<level> <entry> <session>". A log in BEGUN has the failures that count.
--
-- Stands on: queue, notice, wake, redis/window
local FAILURES = '\4'
local breaker, broken, probe -- the parts of META that are known, once they were read

-- `kept`: META's `breaker`.
local function read_breaker(kept)
  if not kept then return end
  local failures, within, pause = string.match(kept, '^(%d+) (%d+) (%d+)$')
  breaker = {failures = tonumber(failures), within = tonumber(within), pause = tonumber(pause)}
  local state = redis.call('HMGET', META, 'broken', 'probe')
  broken, probe = state[1] and tonumber(state[1]), state[2]
end

local function open_breaker()
  broken, probe = now + breaker.pause, nil
  redis.call('HSET', META, 'broken', string.format('%.0f', broken))
  redis.call('HDEL', META, 'probe')
  redis.call('HDEL', BEGUN, FAILURES)
  notice('', 'o', string.format('%.0f', breaker.pause))
end

local function forget_breaker()
  broken, probe = nil, nil
  redis.call('HDEL', META, 'broken', 'probe')
  redis.call('HDEL', BEGUN, FAILURES)
end

local function close_breaker()
  forget_breaker()
  notice('', 'k', '')
  wake()
end

-- A delivery has ended, with one of the words of settle.lua.
local function note_end(word, priority, entry)
  if not breaker then return end
  local has_failed = word == 'retry' or word == 'spent'
  if broken then
    local place = priority .. ' ' .. entry .. ' '
    if string.sub(probe or '', 1, #place) ~= place then return end
    if has_failed then open_breaker() elseif word == 'done' or word == 'recorded' then close_breaker() end
  elseif has_failed then
    note_begun(FAILURES, breaker.within, 1)
    local _, sum = begun(FAILURES, breaker.within)
    if sum >= breaker.failures then open_breaker() end
  end
end
