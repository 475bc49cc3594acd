-- hold: pause or resume the queue for all its workers; to resume it also closes its breaker.
--
-- ARGV[1] '1' to pause, '' to resume
--
-- Replies {'held'} or {'resumed'}
--
-- Stands on: known, breaker
if ARGV[1] == '1' then
  redis.call('HSET', META, 'paused', '1')
  return {'held'}
end
redis.call('HDEL', META, 'paused')
read_breaker(redis.call('HGET', META, 'breaker'))
if broken then close_breaker() end
wake()
return {'resumed'}
