-- Prelude of everything that must know which server this is, and who may take its place.
--
-- A server is named by its run_id, which changes with each start, and by its replication id, which changes when it
-- becomes a master: a replica that takes over may lack what the old master acknowledged, and so may an old master that
-- followed a new one and takes over again.
--
-- The client opens the script with variables without a value (SERVER_VARIABLES in src/script.ts). In a function they
-- live as long as the library is loaded, so it asks the server a few times a second; in a script they live for one
-- call:
--   RUN_ID     its run_id
--   SERVER     its run_id and its replication id
--   ASKED_AT   when the server was asked, in microseconds
--   REPLICAS   how many replicas it has
--   FOLLOWING  how many of them have acknowledged within two seconds
--   IS_ALONE   whether no other server can take its place, nor has left its own to it
--
-- Opens with: RUN_ID, SERVER, ASKED_AT, REPLICAS, FOLLOWING, IS_ALONE
--
-- Stands on: time
local function field(info, name)
  return string.match(info, name .. ':(%w*)')
end

-- Asks the server, unless that was done a moment ago and is enough. From then on, the variables have values.
local function identify(always)
  if not RUN_ID then RUN_ID = field(redis.call('INFO', 'server'), 'run_id') end
  if SERVER and not always and math.abs(micros - ASKED_AT) <= 100000 then return end
  local info = redis.call('INFO', 'replication')
  SERVER, ASKED_AT = RUN_ID .. ':' .. field(info, 'master_replid'), micros
  REPLICAS, FOLLOWING = tonumber(field(info, 'connected_slaves')), 0
  for lag in string.gmatch(info, 'state=online,offset=%d+,lag=(%d+)') do
    if tonumber(lag) <= 2 then FOLLOWING = FOLLOWING + 1 end
  end
  IS_ALONE = REPLICAS == 0 and field(info, 'repl_backlog_active') == '0' and not string.find(field(info, 'master_replid2'), '[^0]')
end
