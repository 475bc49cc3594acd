-- declare: keep the limits of a workflow, unless later ones are kept.
--
-- ARGV[1] workflow  ARGV[2] their version  ARGV[3] the limits as text: the same text, the same limits  ARGV[4] what of them
-- this partition has, as limits.lua says
--
-- Replies {'declared'}, or {'differs', the limits that are kept} when they have this version and are others
--
-- Stands on: limits
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
local workflow, version, text, pace = unpack(ARGV)
local kept = redis.call('HGET', LIMITS, workflow)
local of = pace_of(workflow).version
if kept and of == tonumber(version) and kept ~= text then return {'differs', kept} end
if of < tonumber(version) then
  redis.call('HSET', LIMITS, workflow, text, workflow .. ':pace', pace)
  for _ = 1, 100 do ring(workflow, '0') end
end
return {'declared'}
