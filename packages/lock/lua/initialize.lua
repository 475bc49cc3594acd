-- initialize: admit this node at once, on the word of somebody who knows that no lease can exist.
--
-- KEYS[1] the deployment record
-- ARGV[1] the deployment's parameters, as the record keeps them; ARGV[2] '1' to replace a record with other parameters
--
-- Replies {'initialized', run_id}, {'voting', run_id} when the node votes already, or {'misfit', run_id, parameters}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local record = redis.call('HMGET', KEYS[1], 'parameters', 'run_id', 'votes_from')
if record[1] and record[1] ~= ARGV[1] and ARGV[2] ~= '1' then
  return {'misfit', run_id, record[1]}
end
if record[1] == ARGV[1] and record[2] == run_id and tonumber(record[3]) <= now then
  return {'voting', run_id}
end
-- Admitted at the beginning of time: there is nothing that this node could have forgotten.
redis.call('HSET', KEYS[1], 'parameters', ARGV[1], 'run_id', run_id,
  'admitted', '0', 'votes_from', string.format('%.0f', now))
return {'initialized', run_id}
