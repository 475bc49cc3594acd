-- inspect: read what this node knows of one lock and of the deployment. Writes nothing, not even a record.
--
-- KEYS[1] the deployment record; KEYS[2] lock; KEYS[3] fence; KEYS[4] queue; KEYS[5] readers; and of a
-- semaphore KEYS[6] its number of permits
-- ARGV[1] the deployment's parameters, as the record keeps them
--
-- Replies {'seen', RUN_ID, time in microseconds, state, detail, lock value, its remaining ms, fence, waiting,
-- readers, a line each, number of permits}, where state is one of 'voting' (detail: for how many ms),
-- 'quarantined' (detail: remaining ms), 'unadmitted' (no record of this server), 'misfit' (detail: the record's
-- parameters). An absent value is an empty string.
--
-- Stands on: permits, redis/server
identify()
local record = redis.call('HMGET', KEYS[1], 'parameters', 'server', 'votes_from', 'also', 'admitted')
local state, detail = 'voting', ''
if record[1] and record[1] ~= ARGV[1] and record[4] ~= ARGV[1] then
  state, detail = 'misfit', record[1]
elseif record[2] ~= SERVER then
  state = 'unadmitted'
elseif micros < tonumber(record[3]) then
  state, detail = 'quarantined', math.ceil((tonumber(record[3]) - micros) / 1000)
else
  detail = math.floor((micros - tonumber(record[3])) / 1000)
end
local permits = KEYS[6] and permits_of(KEYS[6], tonumber(record[5]) or 0)
return {'seen', RUN_ID, micros, state, detail,
  redis.call('GET', KEYS[2]) or '', redis.call('PTTL', KEYS[2]), redis.call('GET', KEYS[3]) or '',
  redis.call('ZCARD', KEYS[4]),
  table.concat(redis.call('ZRANGE', KEYS[5], millis, '+inf', 'BYSCORE'), '\n'), permits or ''}
