-- change: read or change the numbers of nodes for which this node votes.
--
-- The record's `parameters` name the number; while nodes are added or removed, `also` names the parameters with the
-- next one, and both are accepted. A node that was removed is retired: it accepts nobody.
--
-- KEYS[1] the deployment record
-- ARGV[1] what to do:
--   'read'     nothing
--   'propose'  accept ARGV[3] beside ARGV[2]
--   'commit'   accept ARGV[3] instead of ARGV[2]
--   'join'     become a node that accepts ARGV[3], in quarantine for ARGV[4] microseconds
--   'retire'   accept nobody any more
-- ARGV[2] the parameters from before; ARGV[3] the parameters to change to
--
-- Replies {'record', RUN_ID, parameters, also, '1' if the record names this server}, as they are afterwards; if the record
-- does not fit the order, nothing is changed.
--
-- Stands on: redis/server
identify()
local record = redis.call('HMGET', KEYS[1], 'parameters', 'also', 'server')
local parameters, also, server = record[1] or '', record[2] or '', record[3]
local doing, from, to = ARGV[1], ARGV[2], ARGV[3]
local function settle(on)
  parameters, also = on, ''
  redis.call('HSET', KEYS[1], 'parameters', on)
  redis.call('HDEL', KEYS[1], 'also')
end
if doing == 'join' and (parameters == '' or parameters == 'retired') then
  server = SERVER
  redis.call('HSET', KEYS[1], 'server', SERVER,
    'admitted', string.format('%.0f', micros), 'votes_from', string.format('%.0f', micros + ARGV[4]))
  settle(to)
elseif doing == 'propose' and parameters == from and also == '' then
  also = to
  redis.call('HSET', KEYS[1], 'also', to)
elseif doing == 'commit' and (parameters == from or parameters == to) and (also == '' or also == to) then
  settle(to)
elseif doing == 'retire' and (parameters == from or parameters == to) then
  settle('retired')
end
return {'record', RUN_ID, parameters, also, server == SERVER and '1' or ''}
