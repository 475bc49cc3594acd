-- Prelude of the verb that claims: how a session gets runs.
--
-- Stands on: moves, tables

-- So many records are short, and so many characters of all journals that a call tells are little.
local SHORT, LITTLE = 64, 262144
local told = 0

-- What a run's new owner has to know: run, its generation, a mark with how often it has fallen, and all records of its journal if that is short.
local function claimed_run(run, generation, mark)
  local entry = {run, generation, mark}
  if told > LITTLE then return entry end
  local records = redis.call('LRANGE', journal_of(run, generation), 0, SHORT)
  if #records > SHORT then return entry end
  for index, record in ipairs(records) do
    entry[index + 3] = record
    told = told + #record
  end
  return entry
end

-- Gives entries that wait to a session, each under a token one above that before. Appends to the reply what it has to
-- know, and gives how many of them have not begun before.
local function give(reply, entries, session, token, mark)
  local fresh = 0
  if #entries == 0 then return fresh end
  local runs, lives, owned = {}, {}, {}
  for index, entry in ipairs(entries) do runs[index] = string.match(entry, '%S+$') end
  local generations, entries_of = redis.call('HMGET', GEN, unpack(runs)), redis.call('HMGET', LIVE, unpack(runs))
  local falls = redis.call('HMGET', FALLS, unpack(runs))
  local counts = {}
  for index, run in ipairs(runs) do
    local life = life_of(entries_of[index])
    if life.expires ~= '-' then fresh = fresh + 1 end
    begin(run, life)
    local workflow = workflow_of(run)
    counts[workflow] = (counts[workflow] or 0) + 1
    lives[2 * index - 1] = run
    lives[2 * index] = string.format('%.0f:0:%s:%s:%s', token + index - 1, session, life.priority, life.build)
    owned[2 * index - 1] = 0
    owned[2 * index] = 'o ' .. session .. ' ' .. run
    reply[#reply + 1] = claimed_run(run, generations[index], mark .. (falls[index] or ''))
  end
  redis.call('ZREM', WORK, unpack(entries))
  redis.call('ZADD', WORK, unpack(owned))
  redis.call('HSET', LIVE, unpack(lives))
  keep_as_table(LIVE)
  if mark == '!' then redis.call('HINCRBY', TALLY, '!', -#runs) end
  for workflow, count in pairs(counts) do redis.call('HINCRBY', TALLY, workflow .. ':o', count) end
  return fresh
end
