-- definitions: what was applied last to views.
--
-- then, for each view: ARGV its name
--
-- Replies {'definitions', for each the number of the change that applied it and its definition as JSON, or '' and ''}
--
-- Stands on: catalog
local reply = {'definitions'}
for _, view in ipairs(ARGV) do
  local found = redis.call('HMGET', CATALOG, 'applied:' .. view, 'definition:' .. view)
  reply[#reply + 1] = found[1] or ''
  reply[#reply + 1] = found[2] or ''
end
return reply
