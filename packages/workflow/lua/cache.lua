-- cache: keep what a step has given, for other runs.
--
-- ARGV[1] result  ARGV[2] for how many ms
-- then, for each step, of which there is one: KEYS where it is kept
--
-- Replies {'kept'}
--
-- Stands on: part
redis.call('SET', KEYS[#KEYS], ARGV[1], 'PX', ARGV[2])
return {'kept'}
