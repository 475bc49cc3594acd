-- open: begin a session of a worker, and note the limits that its queue declares. Stands on queue.lua.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] deliveries at a time  ARGV[4] how many tasks may start in
-- ARGV[5] ms  ARGV[6] slots of each key  ARGV[7] and ARGV[8] as ARGV[4] and ARGV[5], for each key; '' where there is no
-- limit
--
-- Replies {'opened', time in ms}
for index, name in ipairs({'limit', 'rate', 'per', 'key_limit', 'key_rate', 'key_per'}) do
  local value = ({ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]})[index]
  if value == '' then redis.call('HDEL', META, name) else redis.call('HSET', META, name, value) end
end
redis.call('ZADD', SESSIONS, now + ARGV[2], ARGV[1])
return {'opened', string.format('%.0f', now)}
