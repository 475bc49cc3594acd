-- find: look up a task.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
-- ARGV[4] '1' to look for a dead letter only
--
-- Replies {'completed', result, its entry, its trace}, {'cancelled', reason, when}, {'dead', letter, when}, {'delayed',
-- record, in how many ms}, {'waiting', record}, {'active', record, worker's session, since when, progress}, with data and
-- options instead of a record for plain tasks, in a list; or {'unknown'}. Times are in ms since the epoch.
--
-- A living task comes before anything that is known of earlier ones with its id.
--
-- Stands on: queue, streams
local id, entry, level = unpack(ARGV)
local letter = redis.call('HGET', LETTERS, id)
if ARGV[4] == '1' then return letter and {'dead', letter} or {'unknown'} end
local record = redis.call('HGET', TASKS, id)
if record then
  local due = redis.call('ZSCORE', DELAYED, id)
  if due then return {'delayed', record, string.format('%.0f', math.max(0, due - now))} end
  local place = redis.call('HGET', PLACES, id)
  if not place then return {'waiting', record} end
  level, entry = string.match(place, '^(%d) (.*)$')
elseif redis.call('HEXISTS', FANS, id) == 1 then
  return {'waiting', string.match(redis.call('HGET', FANS, id), '\n(.*)$')}
else
  local result = redis.call('HGET', RESULTS, id)
  local event = result and redis.call('XRANGE', EVENTS, result, result)[1]
  if event then return {'completed', event[2][4], event[1], event[2][6] or ''} end
  local reason = redis.call('HGET', REASONS, id)
  if reason then return {'cancelled', reason, redis.call('ZSCORE', CANCELLED, id)} end
  if letter then return {'dead', letter, redis.call('ZSCORE', DEAD, id)} end
  if entry == '' then return {'unknown'} end
  local plain = redis.call('XRANGE', stream_of(level), entry, entry)[1]
  if not plain or plain[2][1] ~= 'd' then return {'unknown'} end
  record = {plain[2][2], plain[2][4] or ''}
end
local pending = redis.pcall('XPENDING', stream_of(level), GROUP, entry, entry, 1)
local consumer = not pending.err and pending[1] and pending[1][2]
if not consumer or consumer == RETURNED then return {'waiting', record} end
local since = string.format('%.0f', now - pending[1][3])
return {'active', record, consumer, since, redis.call('HGET', PROGRESS, id)}
