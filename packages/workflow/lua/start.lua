-- start: make runs.
--
-- then, for each run: KEYS its journal of that generation, and its state; ARGV run, generation, header, a mailbox to which
-- its end is told or '', '1' if it has a key, its priority from 0 to 9, for how many ms it is delayed, by when it has to
-- begin in ms since the epoch or 0, a session that is to own it at once or '', the highest token that this one knows of,
-- the version of the limits of its workflow that the client has declared or 0.
-- A generation names the call that makes it, which is known by it when it is repeated.
--
-- Replies {'started', for each 'ready', 'delayed', 'line' if it waits for its key, 'owned <token>', 'same' if this call made
-- it before, 'exists <generation>', 'full <in how many ms to try again> <how many may wait>', or 'undeclared' if the limits
-- are not kept: declare them, and repeat it}
--
-- Stands on: enter, events, generations, header, own, tables
local FIELDS = 11
local reply = {'started'}
local count = #ARGV / FIELDS
local first = #KEYS - 2 * count
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end

-- ARGV from `at` on, and the keys, are those of one run.
local function start(at, journal, state)
  local run, generation, header, mailbox, keyed, priority, delay, expires, session, highest, version = unpack(ARGV, at, at + FIELDS - 1)
  local known, workflow = generation_of(run), workflow_of(run)
  if known then return known == generation and 'same' or 'exists ' .. known end
  if tonumber(version) > pace_of(workflow).version then return 'undeclared' end
  local wait = is_full(workflow)
  if wait then return string.format('full %.0f %.0f', wait, pace_of(workflow).waiting) end
  redis.call('HSET', GEN, run, generation)
  redis.call('RPUSH', journal, stamped(header))
  redis.call('DEL', state)
  if mailbox ~= '' then redis.call('HSET', WAITERS, run, mailbox) end
  happened(run, 'started')
  local terms = {priority = priority, delay = delay, expires = expires, keyed = keyed == '1'}
  return enter(run, terms, session ~= '' and function(_, life)
    local token = own_at_once(run, life, session, highest)
    return token and 'owned ' .. token
  end)
end

counted = {}
for index = 0, count - 1 do
  reply[index + 2] = start(FIELDS * index + 1, KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2])
end
write_tally()
keep_as_table(LIVE)
return reply
