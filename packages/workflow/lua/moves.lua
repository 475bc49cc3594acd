-- Prelude of the verbs that move runs: out of a place, and what LIVE has of them.
--
-- Stands on: places
local function keep(run, word, life)
  local rest = string.format('%s:%s:%s:%.0f', life.priority, life.build, life.expires, life.since)
  redis.call('HSET', LIVE, run, word .. ':' .. rest)
end

-- Out of the place in which it is.
local function take_out(run, life)
  local word = life.word
  if word == 'r' then
    local suspect = is_suspect(run, life)
    if suspect then redis.call('HINCRBY', TALLY, '!', -1) end
    redis.call('ZREM', WORK, waiting_entry(run, life, suspect))
    return
  end
  if word == 'o' then redis.call('ZREM', WORK, 'o ' .. life.session .. ' ' .. run) end
  if word == 'l' then redis.call('ZREM', LINES, string.format('%s %016.0f %s', line_of(run), life.since, run)) end
  if word == 's' then redis.call('HDEL', STUCK, run) end
  if word == 'p' or word == 'd' or word == 'k' then redis.call('ZREM', DUE, run) end
  tally(run, word == 'k' and 'd' or word, -1)
end

-- It has begun, or never will.
local function begin(run, life)
  if life.expires == '-' then return end
  if life.expires ~= '0' then redis.call('ZREM', DUE, run) end
  life.expires = '-'
  tally(run, 'u', -1)
end
