-- announce: choose which moves of tasks are published.
--
-- ARGV[1] 'a' if those that are added are, 'b' if those that begin are, 'ab' for both, '' for none
--
-- Replies {'announced'}
--
-- Stands on: known
if ARGV[1] == '' then redis.call('HDEL', META, 'announced') else redis.call('HSET', META, 'announced', ARGV[1]) end
return {'announced'}
