-- inventory: all views, with their generations and their definitions.
--
-- Replies {'inventory', then of each view its name, "<generation> <state>" of each with commas between, its definition as JSON}
--
-- Stands on: catalog
local reply, fields = {'inventory'}, redis.call('HGETALL', CATALOG)
for index = 1, #fields, 2 do
  local view = string.match(fields[index], '^generations:(.*)$')
  if view then
    local definition = redis.call('HGET', CATALOG, 'definition:' .. view) or ''
    for _, part in ipairs({view, fields[index + 1], definition}) do reply[#reply + 1] = part end
  end
end
return reply
