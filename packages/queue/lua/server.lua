-- Prelude of the verbs that must know whether the server is still the same: which one this is, by its run_id, which changes
-- with each start, and by its replication id, which changes when it becomes a master: one that takes over may lack the last
-- tokens of the old one.
--
-- The client opens the library with variables without a value. In a function they live as long as the library is loaded,
-- so the server asks itself a few times a second; in a script they live for one call:
--   RUN_ID  its run_id    SERVER  its run_id and its replication id    ASKED_AT  when it asked itself, in ms
--   REPLICAS  how many replicas it has now    IS_ALONE  whether no other server can take its place or has given it its own
--
-- Opens with: RUN_ID, SERVER, ASKED_AT, REPLICAS, IS_ALONE
--
-- Stands on: queue
local function field(info, name)
  return string.match(info, name .. ':(%w*)')
end
if not RUN_ID then RUN_ID = field(redis.call('INFO', 'server'), 'run_id') end
if not SERVER or math.abs(now - ASKED_AT) > 100 then
  local info = redis.call('INFO', 'replication')
  SERVER, ASKED_AT = RUN_ID .. ':' .. field(info, 'master_replid'), now
  REPLICAS = tonumber(field(info, 'connected_slaves'))
  IS_ALONE = REPLICAS == 0 and field(info, 'repl_backlog_active') == '0' and not string.find(field(info, 'master_replid2'), '[^0]')
end
local micros = time[1] * 1000000 + time[2]

-- The epoch of a queue: it changes when the server does, which may then have forgotten tokens, deliveries and ends that it
-- had acknowledged. Tokens are times in microseconds; those of an epoch begin above all that can have been issued before.
local WINDOW = 5000000 -- microseconds by which the clocks of servers that follow one another may differ
local AHEAD = 1000000 -- more than the tokens that any server issues until its clock has come to the first of its epoch
local function epoch_of(meta)
  local server, epoch, last = meta[1], meta[2], meta[3]
  if server == SERVER then return epoch, last end
  local first = string.format('%.0f', math.max(micros + WINDOW, tonumber(last or 0) + AHEAD))
  redis.call('HSET', META, 'server', SERVER, 'epoch', first, 'token', first)
  return first, first
end

-- A fencing token: higher than the last and than `seen`, which the worker knows of; and for how many ms it may not be issued
-- yet. The next server, if it does not know this epoch, begins a window above its own time, which may be a window behind:
-- so until a replica has confirmed that it knows it, no token is issued before its time has come.
local function next_token(last, seen, is_confirmed)
  local token = math.max(micros, tonumber(last) + 1, tonumber(seen) + 1)
  return token, (IS_ALONE or is_confirmed) and 0 or math.ceil((token - micros) / 1000)
end
