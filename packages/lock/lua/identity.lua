-- Prelude of everything that must know which server this is, and what time it is there.
--
-- A server is named by its run_id, which changes with each start, and by its replication id, which changes when it
-- becomes a master: a replica that takes over may lack what the old master granted, and so may an old master that
-- followed a new one and takes over again.
--
-- The client opens the script with three variables without a value. In a function they live as long as the library is
-- loaded, so the server asks itself a few times a second; in a script they live for one call:
--   RUN_ID    its run_id
--   SERVER    its run_id and its replication id
--   ASKED_AT  when it asked itself, in microseconds
-- and with REPLICAS, how many replicas a node must have that follow it, to vote at all.
--
-- Opens with: REPLICAS, RUN_ID, SERVER, ASKED_AT
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local following = 0 -- replicas that have acknowledged within two seconds; counted only where REPLICAS asks for some
local function ask(section, name)
  local info = redis.call('INFO', section)
  local _, before = string.find(info, name .. ':', 1, true)
  return string.sub(info, before + 1, before + 40), info
end
if not RUN_ID then RUN_ID = ask('server', 'run_id') end
if not SERVER or REPLICAS > 0 or math.abs(now - ASKED_AT) > 100000 then
  local replication_id, info = ask('replication', 'master_replid')
  SERVER, ASKED_AT = RUN_ID .. ':' .. replication_id, now
  for lag in string.gmatch(info, 'state=online,offset=%d+,lag=(%d+)') do
    if tonumber(lag) <= 2 then following = following + 1 end
  end
end

-- A vote with the time of this node behind it, in microseconds, for who must know it.
local function stamped(vote)
  return string.format('%s@%.0f', vote, now)
end
