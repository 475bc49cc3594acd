-- Prelude of the verbs that end runs: the children of runs, which live in the partition of their parents.
--
-- PARENTS has, of a child, whom its end is told to: "<parent>.<generation> <place of the call>".
--
-- Stands on: deliver, events, generations, header
-- The end of a child is a record of its parent: what the child's last record has, under the place of the call.
local function over_record(place, last)
  local head = 'D ' .. place
  return head .. string.sub(last, (string.find(last, '\n', 1, true)))
end

-- A parent that is over, or goes over another journal by now, is told nothing: the latter asks for its children itself.
local function tell_parent(child, last)
  if not string.find(child, '/~', 1, true) then return end
  local parent = redis.call('HGET', PARENTS, child)
  if not parent then return end
  redis.call('HDEL', PARENTS, child)
  local run, generation, place = string.match(parent, '^(%S+)%.([^.%s]+) (%S+)$')
  local life = life_of(redis.call('HGET', LIVE, run))
  if not life or redis.call('HGET', GEN, run) ~= generation then return end
  deliver(run, life, journal_of(run, generation), over_record(place, last))
end

local EFFECTS = {}

-- Begins a child, or adopts one that is there: one that goes on tells its end to this parent, of one that is over the end is
-- told now.
function EFFECTS.child(commit, child, generation, header, parent)
  local known = generation_of(child)
  if not known then
    redis.call('HSET', GEN, child, generation)
    redis.call('HSET', PARENTS, child, parent)
    redis.call('RPUSH', journal_of(child, generation), stamped(header))
    redis.call('HDEL', FALLS, child)
    redis.call('HDEL', WAITERS, child)
    tally(child, 'u', 1)
    happened(child, 'started')
    make_ready(child, {priority = commit.life.priority, build = '0', expires = '0', since = 0}, false)
  elseif redis.call('HEXISTS', LIVE, child) == 1 then
    redis.call('HSET', PARENTS, child, parent)
  else
    local last = redis.call('LINDEX', journal_of(child, known), -1)
    if last then redis.call('RPUSH', commit.journal, over_record(string.match(parent, '%S+$'), last)) end
  end
end

-- Tells whoever listens to a mailbox.
function EFFECTS.mail(_, mailbox, text)
  mail(mailbox, text)
end

-- Tells a run something, if it is not over.
function EFFECTS.tell(_, run, record)
  local life = life_of(redis.call('HGET', LIVE, run))
  if life then deliver(run, life, journal_of(run, redis.call('HGET', GEN, run)), record) end
end
