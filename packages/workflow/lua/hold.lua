-- hold: let no worker have a run of a workflow any more, or let them again. Those that are owned go on.
--
-- ARGV[1] workflow  ARGV[2] '1' to pause it, '' to end that
--
-- Replies {'held'}
--
-- Stands on: ready
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
if ARGV[2] == '1' then
  redis.call('HSET', LIMITS, ARGV[1] .. ':held', '1')
elseif redis.call('HDEL', LIMITS, ARGV[1] .. ':held') == 1 then
  for _ = 1, 100 do ring(ARGV[1], '0') end
end
return {'held'}
