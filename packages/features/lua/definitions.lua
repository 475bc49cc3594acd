-- definitions: schemas as they were applied.
--
-- then, for each schema: ARGV "<view>:<number>"
--
-- Replies {'definitions', for each its JSON, or ''}
--
-- Stands on: catalog
local reply = {'definitions'}
for index, schema in ipairs(ARGV) do
  reply[index + 1] = redis.call('HGET', CATALOG, 'definition:' .. schema) or ''
end
return reply
