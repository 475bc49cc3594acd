-- serve: tell what the worker of a session has. With a build that is higher than all before, what is stuck goes on: a part of
-- it a call.
--
-- ARGV[1] session  ARGV[2] '1' if it has an archive, for which runs that end within 30 days are kept
-- ARGV[3] '1' if tokens are to stay below a ceiling that replicas know
-- then, for each workflow that the worker has: ARGV its name, its build, with "=" behind it if it is pinned
--
-- Replies {'served', '1' if more is stuck that is to go on or '', then for each of the workflows of which runs wait that no
-- worker may have: its name, the first of their builds}; or {'lost'} when the session is over
--
-- Stands on: ready, served
local ends = redis.call('ZSCORE', SESSIONS, ARGV[1])
if not ends or tonumber(ends) == 0 then return {'lost'} end
redis.call('HSET', SERVED, ARGV[1], table.concat(ARGV, ' ', 4))
if ARGV[3] == '' then redis.call('HDEL', META, 'ceiling') end
if ARGV[2] == '1' then redis.call('HSET', META, 'archives', string.format('%.0f', millis + 30 * 86400000)) end
local reply = {'served', ''}

-- META has the highest build of each workflow that a worker has had, and while its stuck runs are looked through, where.
local function note_build(workflow, build)
  local number, field = tonumber(string.match(build, '^%d+')), 'build:' .. workflow
  local highest = redis.call('HGET', META, field)
  if highest and number <= tonumber(highest) then return end
  redis.call('HSET', META, field, number, 'mend:' .. workflow, '0')
end

-- Those that are pinned to a build are not mended by another.
local function mend(workflow)
  local cursor = redis.call('HGET', META, 'mend:' .. workflow)
  if not cursor then return end
  local page = redis.call('HSCAN', STUCK, cursor, 'MATCH', workflow .. '/*', 'COUNT', 500)
  for index = 1, #page[2], 2 do
    local run = page[2][index]
    local life = life_of(redis.call('HGET', LIVE, run))
    if life and life.word == 's' and tonumber(life.build) then
      take_out(run, life)
      redis.call('HDEL', FALLS, run)
      life.build = redis.call('HGET', META, 'build:' .. workflow)
      make_ready(run, life, false)
    end
  end
  if page[1] == '0' then redis.call('HDEL', META, 'mend:' .. workflow) else
    redis.call('HSET', META, 'mend:' .. workflow, page[1])
    reply[2] = '1'
  end
end

for index = 4, #ARGV, 2 do
  local workflow, build = ARGV[index], ARGV[index + 1]
  note_build(workflow, build)
  mend(workflow)
  -- Up to its own build, the worker itself may have all.
  local _, first = unserved(workflow, '(r ' .. workflow .. ' ' .. lane_of(string.match(build, '^%d+')) .. '!')
  if first then
    reply[#reply + 1] = workflow
    reply[#reply + 1] = first
  end
end
return reply
