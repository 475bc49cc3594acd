-- advance: append records to the journals of runs that go on, under their owners' tokens, and do nothing else: most commits
-- are of this kind, and commit.lua does the others.
--
-- then, for each run: KEYS its journal; ARGV run, claim token, what LIVE has to begin with,
-- '<claim token>:<commits so far>:<session>:', and what it begins with then, the worker's build, how many records follow, the
-- records
--
-- Replies {'advanced', for each the length of its journal, or why not: 'stale 0', 'behind 0' or 'epoch 0', as commit.lua}
--
-- Stands on: falls, owners, redis/epoch
local epoch = epoch_of(meta)
local HEAD = 6
local runs, entries, changed, at = {}, {}, {}, 1
while at <= #ARGV do
  runs[#runs + 1] = ARGV[at]
  at = at + HEAD + ARGV[at + HEAD - 1]
end
for index, entry in ipairs(redis.call('HMGET', LIVE, unpack(runs))) do entries[runs[index]] = entry end

-- Texts of as many digits are compared in a fraction of the time that numbers take to read.
local function is_below(one, other)
  if #one == #other then return one < other end
  return tonumber(one) < tonumber(other)
end

-- What follows the session in the entry of a run once it is advanced; nothing, and why, if that is refused.
local function rest_of(entry, token, owned, build)
  local as_owned = entry and string.sub(entry, 1, #owned) == owned and string.sub(entry, #owned + 3) == build
  -- To compare an entry costs a third of what it costs to read it.
  if as_owned and not is_below(token, epoch) then return string.sub(entry, #owned + 1) end
  local life = life_of(entry)
  local commits, session = string.match(owned, '^%d+:(%d+):(.*):$')
  local refusal = refusal_of(life, token, commits, session, epoch)
  if refusal then return nil, refusal end
  return life.priority .. ':' .. higher(life.build, build)
end

-- ARGV from `at` on, and the journal, are those of one run.
local function advance(at, journal, records)
  local run, token, owned, next, build = unpack(ARGV, at, at + 4)
  local rest, refusal = rest_of(entries[run], token, owned, build)
  if refusal then return refusal end
  clear_falls(run)
  entries[run] = next .. rest
  changed[#changed + 1] = run
  changed[#changed + 1] = entries[run]
  if records == 1 then return redis.call('RPUSH', journal, ARGV[at + HEAD]) end
  return redis.call('RPUSH', journal, unpack(ARGV, at + HEAD, at + HEAD - 1 + records))
end

local reply, first = {'advanced'}, #KEYS - #runs
at = 1
for index = 1, #runs do
  local records = tonumber(ARGV[at + HEAD - 1])
  reply[index + 1] = advance(at, KEYS[first + index], records)
  at = at + HEAD + records
end
if #changed > 0 then redis.call('HSET', LIVE, unpack(changed)) end
return reply
