-- begin: make a generation of a view, which is filled beside the one that is read.
--
-- ARGV[1] view  ARGV[2] token  ARGV[3] its issuer  ARGV[4] its definition as JSON
--
-- Replies {'done', number of this change, the generation}: the one that this token has begun, if it is still filling. Or
-- {'unknown'}, {'forgot', number of the last change}, {'foreign', mark}, {'stale', mark}, {'many'} if three are filling
--
-- Stands on: generations
local view, token, issuer, definition = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local all, filling = read_generations(view), 0
if #all == 0 then return {'unknown'} end
for _, each in ipairs(all) do
  if each.state == 'filling' then
    if string.match(each.id, '%d+$') == token then
      mark(view, token, issuer)
      return {'done', n, each.id}
    end
    filling = filling + 1
  end
end
if filling >= 3 then return {'many'} end
local number = tonumber(redis.call('HGET', CATALOG, 'last:' .. view)) + 1
local id = number .. '-' .. token
n = n + 1
note('begun', view .. ' ' .. id)
all[#all + 1] = {id = id, state = 'filling'}
set_states(view, all, {})
mark(view, token, issuer)
redis.call('HSET', CATALOG, 'last:' .. view, number, 'definition:' .. view .. '.' .. id, definition)
return {'done', n, id}
