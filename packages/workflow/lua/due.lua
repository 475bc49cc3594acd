-- Prelude of the verb that lets go what is due.
--
-- Stands on: lines

-- A run that is delayed may begin now, or is over before it has.
local function let_begin(run, life)
  if life.expires ~= '-' and life.expires ~= '0' and tonumber(life.expires) <= millis then
    return end_unbegun(run, life)
  end
  if life.word ~= 'd' and life.word ~= 'k' then return end
  take_out(run, life)
  if life.expires ~= '-' and life.expires ~= '0' then redis.call('ZADD', DUE, life.expires, run) end
  if takes_key(run, life.word == 'k') then make_ready(run, life, false) else join_line(run, life) end
end

-- 500 runs a call.
local function let_go()
  for _, run in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', millis, 'LIMIT', 0, 500)) do
    redis.call('ZREM', DUE, run)
    local life = life_of(redis.call('HGET', LIVE, run))
    if life and life.word == 'p' then
      take_out(run, life)
      make_ready(run, life, false)
    elseif life then
      let_begin(run, life)
    end
  end
end

-- In how many ms something is due, or a session is over; `soon` if that is before, -1 for never.
local function soonest(soon)
  for _, set in ipairs({DUE, SESSIONS}) do
    local at = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    local left = at and math.max(0, at - millis)
    if left and (soon < 0 or left < soon) then soon = left end
  end
  return string.format('%.0f', soon)
end
