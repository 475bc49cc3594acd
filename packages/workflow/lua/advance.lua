-- advance: append records to the journals of runs that go on, under their owners' tokens, and do nothing else: most commits
-- are of this kind, and commit.lua does the others.
--
-- then, for each run: KEYS its journal; ARGV run, claim token, commits so far, session, the worker's build, how many records
-- follow, the records
--
-- Replies {'advanced', for each '<word> <length>'}, with words of commit.lua: committed, stale, behind or epoch
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

-- What follows the number of commits and the session in the entry of a run once it is advanced; nothing, and why, if that is
-- refused.
local function rest_of(entry, token, commits, session, build)
  local owned = token .. ':' .. commits .. ':' .. session .. ':'
  local as_owned = entry and string.sub(entry, 1, #owned) == owned and string.sub(entry, #owned + 3) == build
  -- To compare an entry costs a third of what it costs to read it.
  if as_owned and tonumber(token) >= tonumber(epoch) then return string.sub(entry, #owned + 1) end
  local life = life_of(entry)
  local refusal = refusal_of(life, token, commits, session, epoch)
  if refusal then return nil, refusal end
  return life.priority .. ':' .. higher(life.build, build)
end

-- ARGV from `at` on, and the journal, are those of one run.
local function advance(at, journal)
  local run, token, commits, session, build, records = unpack(ARGV, at, at + HEAD - 1)
  local rest, refusal = rest_of(entries[run], token, commits, session, build)
  if refusal then return refusal end
  local length = redis.call('RPUSH', journal, unpack(ARGV, at + HEAD, at + HEAD - 1 + records))
  clear_falls(run)
  entries[run] = token .. ':' .. commits + 1 .. ':' .. session .. ':' .. rest
  changed[#changed + 1] = run
  changed[#changed + 1] = entries[run]
  return 'committed ' .. length
end

local reply, first = {'advanced'}, #KEYS - #runs
at = 1
for index = 1, #runs do
  reply[index + 1] = advance(at, KEYS[first + index])
  at = at + HEAD + ARGV[at + HEAD - 1]
end
if #changed > 0 then redis.call('HSET', LIVE, unpack(changed)) end
return reply
