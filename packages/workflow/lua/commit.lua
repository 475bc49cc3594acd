-- commit: append records to the journals of runs under their owners' tokens, and say what becomes of the runs.
--
-- then, for each run: KEYS its journal and its state; ARGV run, claim token, commits so far, session, ending, its argument,
-- what is published or '', how many records follow, the records
--
-- Replies {'committed', for each '<word> <length>'}: committed; again if it was to be parked and something came in
-- meanwhile; stale if it is not owned so; behind if another commit came before; epoch if the claim is of an earlier one
--
-- Stands on: endings, redis/epoch
local epoch = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
local HEAD, count, at = 8, 0, 1
while at <= #ARGV do
  count, at = count + 1, at + HEAD + ARGV[at + HEAD - 1]
end

-- ARGV from `at` on, and the keys, are those of one run.
local function commit(at, journal, state)
  local run, token, commits, session, ending, argument, published, records = unpack(ARGV, at, at + HEAD - 1)
  local claim, done, owner = owner_of(redis.call('HGET', LIVE, run))
  if claim ~= token or owner ~= session then return 'stale 0' end
  if tonumber(token) < tonumber(epoch) then return 'epoch 0' end
  if done ~= commits then return 'behind 0' end
  local length = redis.call('LLEN', journal)
  if tonumber(records) > 0 then
    length = redis.call('RPUSH', journal, unpack(ARGV, at + HEAD, at + HEAD - 1 + records))
    redis.call('HDEL', FALLS, run)
  end
  if published ~= '' then redis.call('SET', state, published) end
  local next = string.format('%s:%.0f:%s', token, commits + 1, session)
  local word = ENDINGS[ending]({
    run = run, session = session, argument = argument, next = next,
    length = length, added = tonumber(records), last = ARGV[at + HEAD - 1 + records], journal = journal, state = state,
  })
  return word .. ' ' .. length
end

local reply, first = {'committed'}, #KEYS - 2 * count
at = 1
for index = 0, count - 1 do
  reply[index + 2] = commit(at, KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2])
  at = at + HEAD + ARGV[at + HEAD - 1]
end
return reply
