-- advance: all documents that were written up to a place have vectors of the generation that is being built, as its builder has seen.
--
-- ARGV[1] the token of the caller  ARGV[2] who issued it  ARGV[3] the generation  ARGV[4] the epoch  ARGV[5] the sequence from which
-- the builder has looked  ARGV[6] the sequence up to which it has
--
-- Replies {'advanced'}, or {'stale', token of the builder}, {'other'}: this is another epoch, or {'moved'}: it was not there
--
-- Stands on: builder
if not is_builder_of(ARGV[3]) then return {'stale', text_of(mark)} end
if ARGV[4] ~= epoch then return {'other'} end
local name = 'through:' .. ARGV[3]
local of, reached = string.match(redis.call('HGET', META, name) or '', '^(%S+) (%d+)$')
if tonumber(of == epoch and reached or '0') ~= tonumber(ARGV[5]) then return {'moved'} end
redis.call('HSET', META, name, epoch .. ' ' .. ARGV[6])
return {'advanced'}
