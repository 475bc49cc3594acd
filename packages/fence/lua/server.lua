-- Prelude of everything that must know which server this is: by its run_id, which changes with each start, and by its
-- replication id, which changes when it becomes a master: one that takes over may lack what the old master accepted.
local function server_name()
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  return run_id .. ':' .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
end
