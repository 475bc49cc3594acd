-- retire: a generation that is not live is no more, and its vectors are to be dropped.
--
-- ARGV[1] the token of the caller  ARGV[2] who issued it  ARGV[3] the generation
-- then KEYS: those of its vector sets
--
-- Replies {'retired'}, also if it was before and vectors may be left, or {'stale', token of the builder}, {'foreign', issuer of
-- the builder}, {'live'}, or {'unknown'}
--
-- Stands on: builder
local FIRST = 2
local refused = refusal('')
if refused then return refused end
if ARGV[3] == live then return {'live'} end
local dropping = redis.call('HGET', META, 'dropping') or ''
if string.find(' ' .. dropping .. ' ', ' ' .. ARGV[3] .. ' ', 1, true) then return {'retired'} end
if redis.call('HEXISTS', META, 'model:' .. ARGV[3]) == 0 then return {'unknown'} end
change({'dropping', dropping == '' and ARGV[3] or dropping .. ' ' .. ARGV[3]})
if #KEYS > FIRST then redis.call('UNLINK', unpack(KEYS, FIRST + 1)) end
redis.call('HDEL', META, 'model:' .. ARGV[3], 'begun:' .. ARGV[3], 'through:' .. ARGV[3])
if building == ARGV[3] then redis.call('HDEL', META, 'building') end
return {'retired'}
