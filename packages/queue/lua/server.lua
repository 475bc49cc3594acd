-- Prelude of the verbs that must know whether the server is still the same: which one this is, by its run_id, which changes
-- with each start, and by its replication id, which changes when it becomes a master: one that takes over may lack the last
-- tokens of the old one. Stands on queue.lua.
--
-- The client opens the library with three variables without a value. In a function they live as long as the library is
-- loaded, so the server asks itself a few times a second; in a script they live for one call:
--   RUN_ID  its run_id    SERVER  its run_id and its replication id    ASKED_AT  when it asked itself, in ms
local function ask(section, name)
  local info = redis.call('INFO', section)
  local _, before = string.find(info, name .. ':', 1, true)
  return string.sub(info, before + 1, before + 40)
end
if not RUN_ID then RUN_ID = ask('server', 'run_id') end
if not SERVER or math.abs(now - ASKED_AT) > 100 then
  SERVER, ASKED_AT = RUN_ID .. ':' .. ask('replication', 'master_replid'), now
end

-- The epoch of a queue: it changes when the server does, which may then have forgotten tokens, deliveries and ends that it
-- had acknowledged. Tokens are times in microseconds; those of an epoch begin above all that can have been issued before.
local WINDOW = 5000000 -- microseconds by which the clocks of servers that follow one another may differ
local function epoch_of(meta)
  local server, epoch, last = meta[1], meta[2], meta[3]
  if server == SERVER then return epoch, last end
  local first = string.format('%.0f', math.max(time[1] * 1000000 + time[2] + 2 * WINDOW, tonumber(last or 0) + 1))
  redis.call('HSET', META, 'server', SERVER, 'epoch', first, 'token', first)
  return first, first
end

-- A fencing token: higher than the last and than `seen`, which the worker knows of.
local function next_token(last, seen)
  local token = math.max(time[1] * 1000000 + time[2], tonumber(last) + 1, tonumber(seen) + 1)
  redis.call('HSET', META, 'token', string.format('%.0f', token))
  return string.format('%.0f', token)
end
