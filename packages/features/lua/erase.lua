-- erase: note that an entity is erased, or restored.
--
-- ARGV[1] "<entity>:<id>"  ARGV[2] token  ARGV[3] its issuer  ARGV[4] '' if it is erased; if it is restored, up to which place its rows
-- stay erased in each partition: "<partition>:<place>" with commas between
--
-- Replies {'done', number of the change}: the one that has erased it, if it is erased. Or {'unknown'}, {'forgot', number of the last
-- change}, {'foreign', mark}, {'stale', mark}, {'kept'} if what is to be restored is not erased
--
-- Stands on: catalog
local name, token, issuer, through = unpack(ARGV)
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local eraser = redis.call('HGET', CATALOG, 'eraser')
local seen, by = string.match(eraser or '', '^(%d+) (.*)$')
if seen and by ~= issuer then return {'foreign', eraser} end
if seen and tonumber(token) < tonumber(seen) then return {'stale', eraser} end
local known = redis.call('HGET', ERASURES, name)
local number, state = string.match(known or '', '^(%d+) (%l+)')
if through ~= '' and not known then return {'kept'} end
redis.call('HSET', CATALOG, 'eraser', token .. ' ' .. issuer)
if through == '' and state == 'erased' then return {'done', tonumber(number)} end
n = n + 1
redis.call('HSET', CATALOG, 'n', n)
redis.call('HSET', ERASURES, name, n .. (through == '' and ' erased' or ' restored ' .. through))
return {'done', n}
