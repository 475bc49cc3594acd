-- changes: which documents were written after a place, in the order of their last writes.
--
-- ARGV[1] the epoch of the place, or ''  ARGV[2] the sequence of the place  ARGV[3] how many at most
--
-- Replies {'changes', epoch, last sequence, purged, number of the last change of the generations, time in ms, how many documents
-- were written after the place, then the ids, each with its sequence}. Or {'other', epoch, since, time in ms}, if this is another
-- epoch: what the caller knows of a document is so still if it has the same sequence, and that is below `since`.
--
-- Stands on: meta
if ARGV[1] ~= epoch then
  local since = '0'
  for index, each in ipairs(epochs) do
    if each == ARGV[1] then since = string.match(epochs[index + 1], '^%d+') end
  end
  return {'other', epoch, since, millis}
end
local after, found = '(' .. ARGV[2], redis.call('HMGET', META, 'purged', 'n')
local page = redis.call('ZRANGEBYSCORE', LOG, after, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
return {'changes', epoch, text_of(seq), found[1] or '0', found[2] or '0', millis, redis.call('ZCOUNT', LOG, after, '+inf'), unpack(page)}
