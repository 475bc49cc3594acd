-- begin: make a generation of a view, which is filled beside the one that is read.
--
-- ARGV[1] view  ARGV[2] token  ARGV[3] its issuer  ARGV[4] its definition as JSON  ARGV[5] for how long it may be filled before
-- whoever begins another one ends it, in ms
--
-- Replies {'done', number of this change, the generation, those that were ended}: the one that this token has begun, if it is still
-- filling; its time begins again. Or
-- {'unknown'}, {'forgot', number of the last change}, {'foreign', mark}, {'stale', mark}, {'many'} if three are filling
--
-- Stands on: pins
local view, token, issuer, definition, patience = unpack(ARGV)
local due = string.format('%.0f', micros + patience * 1000)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local all, filling, ended = read_generations(view), 0, {}
if #all == 0 then return {'unknown'} end
for _, each in ipairs(all) do
  local time = redis.call('HGET', CATALOG, 'due:' .. view .. '.' .. each.id)
  if each.state == 'filling' and time and tonumber(time) < micros and string.match(each.id, '%d+$') ~= token then
    ended[#ended + 1] = each.id
  end
end
for _, id in ipairs(ended) do retire(view, id) end
all = read_generations(view)
for _, each in ipairs(all) do
  if each.state == 'filling' then
    if string.match(each.id, '%d+$') == token then
      mark(view, token, issuer)
      redis.call('HSET', CATALOG, 'due:' .. view .. '.' .. each.id, due)
      return {'done', n, each.id, unpack(ended)}
    end
    filling = filling + 1
  end
end
if filling >= 3 then return {'many'} end
local number = tonumber(redis.call('HGET', CATALOG, 'last:' .. view)) + 1
local id = number .. '-' .. token
n = n + 1
all[#all + 1] = {id = id, state = 'filling'}
set_states(view, all, {})
mark(view, token, issuer)
redis.call('HSET', CATALOG, 'last:' .. view, number, 'definition:' .. view .. '.' .. id, definition, 'due:' .. view .. '.' .. id, due)
return {'done', n, id, unpack(ended)}
