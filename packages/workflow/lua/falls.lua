-- Prelude of the verbs that move runs: how often each has lost its worker since it last went on.
--
-- Stands on: part
-- Mostly no run has fallen, which one look tells for all of a call.
local have_fallen

local function falls_of(run)
  if have_fallen == nil then have_fallen = redis.call('HLEN', FALLS) > 0 end
  return have_fallen and tonumber(redis.call('HGET', FALLS, run) or 0) or 0
end

local function clear_falls(run)
  if falls_of(run) > 0 then redis.call('HDEL', FALLS, run) end
end
