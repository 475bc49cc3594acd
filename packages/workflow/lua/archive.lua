-- archive: hand over runs that are over and no longer kept for anything but the archive, each under a token.
--
-- ARGV[1] how many at most
--
-- Replies {'archive', the token of the first, then for each run: run, its generation}, each with a token one above that before
--
-- Stands on: archives, generations, redis/epoch
local _, last = epoch_of(meta)
local token, early = next_token(last, 0, false)
local reply = {'archive', string.format('%.0f', token)}
if early > 0 then return reply end
local due = redis.call('ZRANGEBYSCORE', ARCHIVES, '-inf', string.format('%.0f', micros), 'LIMIT', 0, ARGV[1])
for _, run in ipairs(due) do
  local generation = generation_of(run)
  if generation and redis.call('ZSCORE', ENDED, run) then
    redis.call('ZADD', ARCHIVES, string.format('%.0f', token + PATIENCE + (#reply - 2) / 2), run)
    reply[#reply + 1] = run
    reply[#reply + 1] = generation
  else
    redis.call('ZREM', ARCHIVES, run)
  end
end
if #reply > 2 then redis.call('HSET', META, 'token', string.format('%.0f', token + (#reply - 2) / 2 - 1)) end
return reply
