-- transfer: hand a resource over to another issuer, if its mark is still the one that was seen.
--
-- KEYS[1], KEYS[2] and ARGV[1] to ARGV[4] as memory.lua names them
-- ARGV[3] the token, of its issuer, ARGV[4]
-- ARGV[5] the mark that was seen, '' for none
--
-- Replies {'sealed'}  {'changed', mark}  {'ahead', highest}  {'forgotten', lowest}
--
-- A mark never expires. Saying so makes Redis accept the script's writes even when its memory is full, as in seal.lua.
--
-- Stands on: redis/marks, memory
redis.call('PERSIST', KEYS[2])
local when = untimely(guard_record, claim)
if when then return when end
local kept = redis.call('GET', mark) or ''
if kept ~= ARGV[5] and kept ~= ARGV[3] .. ' ' .. ARGV[4] then return {'changed', kept} end
raise(mark, claim)
return {'sealed'}
