-- seal: raise the mark of a resource to a token, before its holder reads. Stands on memory.lua.
--
-- KEYS[1], KEYS[2] and ARGV[1] to ARGV[3] as memory.lua names them
--
-- Replies {'sealed'}  {'stale', mark}  {'forgotten', lowest token that is refused no more}
return refusal() or {'sealed'}
