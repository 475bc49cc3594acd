-- seal: raise the mark of a resource to a token, before its holder reads.
--
-- KEYS[1], KEYS[2] and ARGV[1] to ARGV[4] as memory.lua names them
--
-- Replies {'sealed'}, or a refusal of redis/marks.lua
--
-- A mark never expires. Saying so is a write that Redis accepts even when its memory is full, and after it the script's
-- other writes, so that a new holder can shut the earlier ones out of a full store.
--
-- Stands on: redis/marks, memory
redis.call('PERSIST', KEYS[2])
local refused = refusal(guard_record, mark, claim)
if refused then return refused end
raise(mark, claim)
return {'sealed'}
