-- known: what a program that has no workflows of its own has to know of an app.
--
-- Replies {'known', on how many partitions the app is, or '' if this is not the first of them or if there is no app, then the
-- names of the workflows that have had a worker, a run or limits here, in no order}
--
-- Stands on: part
local names, reply = {}, {'known', redis.call('HGET', META, 'partitions') or ''}
for hash, pattern in pairs({[META] = '^build:(.*)$', [TALLY] = '^([^:!]+):', [LIMITS] = '^[^:]+'}) do
  for _, field in ipairs(redis.call('HKEYS', hash)) do
    local name = string.match(field, pattern)
    if name then names[name] = true end
  end
end
for name in pairs(names) do reply[#reply + 1] = name end
return reply
