-- Prelude of the verbs by which a run may begin, or ends: of the runs of one key, one at a time goes on, in the order in
-- which they might have begun. It has the key until it is over, also while it is parked or stuck, and whatever becomes of
-- its workers.
--
-- Stands on: ready

-- True if the run has its key, or needs none.
local function takes_key(run, keyed)
  if not keyed then return true end
  local line = line_of(run)
  return redis.call('HSETNX', HOLDERS, line, run) == 1 or redis.call('HGET', HOLDERS, line) == run
end

local function join_line(run, life)
  life.since = math.max(micros, tonumber(redis.call('HGET', META, 'seq') or 0) + 1)
  redis.call('HSET', META, 'seq', string.format('%.0f', life.since))
  keep(run, 'l', life)
  tally(run, 'l', 1)
  redis.call('ZADD', LINES, 0, string.format('%s %016.0f %s', line_of(run), life.since, run))
end

-- Whether any run has a key, as this call has seen when the first run of it ended.
local has_keys

-- A run is over: the next of its line is ready.
local function free_key(run)
  if has_keys == nil then has_keys = redis.call('HLEN', HOLDERS) > 0 end
  if not has_keys then return end
  local line = line_of(run)
  if redis.call('HGET', HOLDERS, line) ~= run then return end
  local next = redis.call('ZRANGEBYLEX', LINES, '[' .. line .. ' ', '(' .. line .. '!', 'LIMIT', 0, 1)[1]
  if not next then
    redis.call('HDEL', HOLDERS, line)
    return
  end
  local other = string.match(next, '%S+$')
  local life = life_of(redis.call('HGET', LIVE, other))
  take_out(other, life)
  redis.call('HSET', HOLDERS, line, other)
  make_ready(other, life, false)
end
