-- hold: pause or resume the queue for all its workers.
--
-- ARGV[1] '1' to pause, '' to resume
--
-- Replies {'held'} or {'resumed'}
--
-- Stands on: known, wake
if ARGV[1] == '1' then
  redis.call('HSET', META, 'paused', '1')
  return {'held'}
end
redis.call('HDEL', META, 'paused')
wake()
return {'resumed'}
