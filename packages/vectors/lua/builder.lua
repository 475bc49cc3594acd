-- Prelude of the verbs of builders: whose turn it is.
--
-- ARGV[1] the token of the caller  ARGV[2] who issued it
--
-- Stands on: meta
local token, issuer = tonumber(ARGV[1]), ARGV[2]
local marked = redis.call('HMGET', META, 'mark', 'issuer', 'building', 'live')
local mark, builder, building, live = tonumber(marked[1] or '0'), marked[2], marked[3], marked[4]

-- Why the caller may not begin anything: another one has begun later, or is at it under tokens that cannot be compared, of an issuer
-- that is not `replaced`.
local function refusal(replaced)
  if issuer == builder then return token < mark and {'stale', text_of(mark)} or nil end
  return building and builder ~= replaced and {'foreign', builder} or nil
end

-- Whether the caller was the last to begin, and this is what it builds.
local function is_builder_of(generation)
  return generation == building and issuer == builder and token == mark
end

-- The generations are others from now on, which followers learn from `n`. `fields` are set beside.
local function change(fields)
  local now = text_of(next_seq())
  redis.call('XADD', BELL, 'MAXLEN', '~', 16, '*', 'seq', now)
  redis.call('HSET', META, 'seq', now, 'n', now, 'mark', text_of(token), 'issuer', issuer, unpack(fields))
  return now
end
