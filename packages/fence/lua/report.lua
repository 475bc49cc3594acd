-- report: add to the record of a resource what has happened to it, and refusals to the record of all, too.
--
-- KEYS[1] the record of the resource; KEYS[2] the record of refusals
-- ARGV[1] 'refused', or another kind; ARGV[2] for how long the record of the resource is kept, in ms; from ARGV[3] on,
-- pairs of a field and its value
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 200, '*', unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[1] == 'refused' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', unpack(ARGV, 3))
end
