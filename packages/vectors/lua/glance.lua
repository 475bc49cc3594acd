-- glance: documents as they are at one moment, and the first bytes of their vectors.
--
-- ARGV: for each generation, up to which byte, from 0, its vectors are read, -1 for all
-- then, for each document: KEYS its key, and those of its vectors in each generation
--
-- Replies, for each document, what it is, or nil, and then, of each generation, these bytes, or ''
local width, reply = #ARGV + 1, {}
for first = 1, #KEYS, width do
  reply[first] = redis.call('GET', KEYS[first])
  for at = 1, #ARGV do reply[first + at] = redis.call('GETRANGE', KEYS[first + at], 0, ARGV[at]) end
end
return reply
