-- Prelude of the verbs that add to hashes with a field for each run: they are to be tables, in which a field is found at once.
--
-- Redis keeps a hash of up to some hundred short fields as a list, which it looks through from its beginning. One long field
-- makes a table of it, which it stays until it is empty.
local FEW, MANY = 16, 1000
local LONG = '-----------------------------------------------------------------'
local function keep_as_table(hash)
  local length = redis.call('HLEN', hash)
  if length < FEW or length > MANY then return end
  redis.call('HSET', hash, LONG, '')
  redis.call('HDEL', hash, LONG)
end
