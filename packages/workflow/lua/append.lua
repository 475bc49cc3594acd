-- append: add chunks to streams of runs, under the tokens of their owners and of their attempts.
--
-- then, for each append: KEYS the stream and its run's writers; ARGV run, claim token, session, stream, step, the attempt's
-- token, the index of the first chunk among those of the attempt, how many chunks follow, the chunks
--
-- Replies {'appended', for each '<word> <count>'}: appended, and the number of chunks that are of the attempt; gap, the same,
-- if it is below the index; stale if the run is not owned so, or a later attempt of the step has written; epoch if the claim
-- is of an earlier one
--
-- Stands on: streams, redis/epoch
local epoch = epoch_of(meta)
local HEAD, count, at = 8, 0, 1
while at <= #ARGV do
  count, at = count + 1, at + HEAD + ARGV[at + HEAD - 1]
end

local function append(at, key, writers)
  local run, token, session, stream, step, attempt, index, chunks = unpack(ARGV, at, at + HEAD - 1)
  local claim, _, owner = owner_of(redis.call('HGET', LIVE, run))
  if claim ~= token or owner ~= session then return 'stale 0' end
  if tonumber(token) < tonumber(epoch) then return 'epoch 0' end
  local field = stream .. ' ' .. step
  local latest, known = string.match(redis.call('HGET', writers, field) or '', '^(%d+) (%d+)$')
  if latest and tonumber(attempt) < tonumber(latest) then return 'stale 0' end
  local is_next = latest ~= attempt
  known = is_next and 0 or tonumber(known)
  if tonumber(index) > known then return string.format('gap %.0f', known) end
  local entries = {}
  if latest and is_next then entries[1] = 'r ' .. attempt .. ' ' .. step end
  for number = known, index + chunks - 1 do
    entries[#entries + 1] = string.format('c %s %.0f %s\n', attempt, number, step) .. ARGV[at + HEAD + number - index]
  end
  if #entries > 0 then
    known = math.max(known, index + chunks)
    redis.call('RPUSH', key, unpack(entries))
    redis.call('HSET', writers, field, string.format('%s %.0f', attempt, known))
    tell_readers(writers, run, stream)
  end
  return string.format('appended %.0f', known)
end

local reply, first = {'appended'}, #KEYS - 2 * count
at = 1
for number = 0, count - 1 do
  reply[number + 2] = append(at, KEYS[first + 2 * number + 1], KEYS[first + 2 * number + 2])
  at = at + HEAD + ARGV[at + HEAD - 1]
end
return reply
