-- Prelude of the verb that claims: which runs wait, and how a session gets them.
--
-- Stands on: ready

-- The first that wait in a lane of WORK, as far as a worker of this build may have them: of higher priority first.
local function waiting(lane, build, most)
  local found, builds = {}, 0
  local number, pinned = string.match(build, '^(%d+)(=?)$')
  local from, to = '[r ' .. lane .. ' 0', '(r ' .. lane .. ' ' .. lane_of(number) .. '!'
  repeat
    local page = redis.call('ZRANGEBYLEX', WORK, from, to, 'LIMIT', 0, most)
    local own, count = page[1] and string.match(page[1], '^r %S+ (%S+)'), 0
    while page[count + 1] and string.match(page[count + 1], '^r %S+ (%S+)') == own do
      count = count + 1
      found[#found + 1] = page[count]
    end
    if count > 0 then builds = builds + 1 end
    from = own and '(r ' .. lane .. ' ' .. own .. '!'
  until #page < most and count == #page
  if pinned == '=' then
    local own = 'r ' .. lane .. ' ' .. lane_of(build)
    for _, entry in ipairs(redis.call('ZRANGEBYLEX', WORK, '[' .. own .. ' ', '(' .. own .. '!', 'LIMIT', 0, most)) do
      found[#found + 1] = entry
    end
    builds = builds + 1
  end
  if builds > 1 then
    table.sort(found, function(one, other)
      return string.match(one, '^r %S+ %S+ (.*)$') < string.match(other, '^r %S+ %S+ (.*)$')
    end)
  end
  return {unpack(found, 1, math.min(#found, most))}
end

-- Gives entries that wait to a session, each under a token one above that before. Appends to the reply what it has to know.
local function give(reply, entries, session, token, mark)
  if #entries == 0 then return end
  local runs, lives, owned = {}, {}, {}
  for index, entry in ipairs(entries) do runs[index] = string.match(entry, '%S+$') end
  local generations, entries_of = redis.call('HMGET', GEN, unpack(runs)), redis.call('HMGET', LIVE, unpack(runs))
  local counts = {}
  for index, run in ipairs(runs) do
    local life = life_of(entries_of[index])
    begin(run, life)
    local workflow = workflow_of(run)
    counts[workflow] = (counts[workflow] or 0) + 1
    lives[2 * index - 1] = run
    lives[2 * index] = string.format('%.0f:0:%s:%s:%s', token + index - 1, session, life.priority, life.build)
    owned[2 * index - 1] = 0
    owned[2 * index] = 'o ' .. session .. ' ' .. run
    reply[#reply + 1] = run
    reply[#reply + 1] = generations[index]
    reply[#reply + 1] = mark
  end
  redis.call('ZREM', WORK, unpack(entries))
  redis.call('ZADD', WORK, unpack(owned))
  redis.call('HSET', LIVE, unpack(lives))
  if mark == '!' then redis.call('HINCRBY', TALLY, '!', -#runs) end
  for workflow, count in pairs(counts) do redis.call('HINCRBY', TALLY, workflow .. ':o', count) end
end
