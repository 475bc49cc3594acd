-- initialize: admit this node at once, on the word of somebody who knows that no lease can exist.
--
-- KEYS[1] the deployment record
-- ARGV[1] the deployment's parameters, as the record keeps them; ARGV[2] '1' to replace a record with other parameters
--
-- Replies {'initialized', run_id}, {'voting', run_id} when the node votes already, or {'misfit', RUN_ID, parameters}.
--
-- Stands on: redis/server
identify()
local record = redis.call('HMGET', KEYS[1], 'parameters', 'server', 'votes_from')
local function layout_of(parameters)
  return tonumber(string.match(parameters, ' layout=(%d+)') or 0)
end
-- An earlier version does not know how to replace a later version's layout.
local newer = record[1] and layout_of(record[1]) > layout_of(ARGV[1])
if newer or record[1] and record[1] ~= ARGV[1] and ARGV[2] ~= '1' then
  return {'misfit', RUN_ID, record[1]}
end
if record[1] == ARGV[1] and record[2] == SERVER and tonumber(record[3]) <= micros then
  return {'voting', RUN_ID}
end
-- Admitted at the beginning of time: there is nothing that this node could have forgotten.
redis.call('HDEL', KEYS[1], 'also')
redis.call('HSET', KEYS[1], 'parameters', ARGV[1], 'server', SERVER,
  'admitted', '0', 'votes_from', string.format('%.0f', micros))
return {'initialized', RUN_ID}
