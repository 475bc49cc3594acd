-- beat: note the time of the master, by which a replica shows how far it is behind.
--
-- Replies {'done', number of the last change}. Or {'unknown'}, {'forgot', number of the last change}
--
-- Stands on: catalog
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
redis.call('SET', BEAT, string.format('%.0f', micros))
return {'done', n}
