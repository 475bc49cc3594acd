-- services: every version of every service that was applied.
--
-- Replies {'services', for each "<name>@<version>" and its definition as JSON}
--
-- Stands on: catalog
local reply, fields = {'services'}, redis.call('HGETALL', CATALOG)
for index = 1, #fields, 2 do
  local name = string.match(fields[index], '^service:(.*)$')
  if name then reply[#reply + 1], reply[#reply + 2] = name, fields[index + 1] end
end
return reply
