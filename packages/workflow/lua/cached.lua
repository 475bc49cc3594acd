-- cached: what a step has given before, in whatever run; best effort.
--
-- then, for each step, of which there is one: KEYS where it is kept
--
-- Replies {'cached', result}, or {'none'}
--
-- Stands on: part
local kept = redis.call('GET', KEYS[#KEYS])
if not kept then return {'none'} end
return {'cached', kept}
