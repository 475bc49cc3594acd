-- begin: build the vectors of a model beside those that are live, from now on under this token. One that was begun and not
-- ended goes on, and so does one that was live before.
--
-- ARGV[1] the token of the caller  ARGV[2] who issued it  ARGV[3] name of the model  ARGV[4] its definition as JSON
-- ARGV[5] an issuer whose builder has ended for good, or ''
--
-- Replies {'begun', epoch, generation, "<epoch> <sequence>" up to where it is built, or ''}, or {'stale', token of the builder},
-- {'foreign', issuer of the builder}, {'busy', model that is being built}, {'live', generation}, or {'differs', definition of the model}
--
-- Stands on: builder
if not live then return {'none'} end
local refused = refusal(ARGV[5])
if refused then return refused end
local fields, generation, at_work = redis.call('HGETALL', META), nil, nil
for index = 1, #fields, 2 do
  local number = string.match(fields[index], '^model:(%d+)$')
  local name, definition = string.match(fields[index + 1], '^(%S+) (.*)$')
  if number and number == building then at_work = name end
  if number and name == ARGV[3] then
    if definition ~= ARGV[4] then return {'differs', definition} end
    generation = number
  end
end
if generation and generation == live then return {'live', generation} end
if building and generation ~= building then return {'busy', at_work} end
if generation and generation == building and token == mark then
  return {'begun', epoch, generation, redis.call('HGET', META, 'through:' .. generation) or ''}
end
local begun = text_of(next_seq())
generation = generation or begun
change({'building', generation, 'begun:' .. generation, begun, 'model:' .. generation, ARGV[3] .. ' ' .. ARGV[4]})
return {'begun', epoch, generation, redis.call('HGET', META, 'through:' .. generation) or ''}
