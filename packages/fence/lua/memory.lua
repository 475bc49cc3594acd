-- Prelude of the guard's verbs: is this token too old for what this store has seen, or may have seen?
--
-- A store that restarted may have lost its last marks, and one without a record may have lost all. It then accepts
-- only tokens that were certainly issued since: tokens are times, so those above its own time plus two windows (one
-- that a token may be ahead of its node, one that clocks may be apart). Stands on server.lua.
--
-- KEYS[1] the guard's record, a hash: server, admitted (microseconds of this server, 0 when it can have lost nothing)
-- KEYS[2] the mark of the resource: the highest token that was accepted
-- ARGV[1] the window in microseconds
-- ARGV[2] '1' when the store's persistence is declared synchronous, so that a restart forgets nothing
-- ARGV[3] the token
local function refusal()
  local time = redis.call('TIME')
  local server = server_name()
  local record = redis.call('HMGET', KEYS[1], 'server', 'admitted')
  local admitted = tonumber(record[2])
  if record[1] ~= server then
    if not (record[1] and ARGV[2] == '1') then
      admitted = time[1] * 1000000 + time[2]
    end
    redis.call('HSET', KEYS[1], 'server', server, 'admitted', string.format('%.0f', admitted))
  end
  local token = tonumber(ARGV[3])
  local mark = redis.call('GET', KEYS[2])
  if mark and token < tonumber(mark) then return {'stale', tonumber(mark)} end
  local memory = admitted + 2 * tonumber(ARGV[1])
  if admitted > 0 and token <= memory then return {'forgotten', memory} end
  if mark ~= ARGV[3] then redis.call('SET', KEYS[2], ARGV[3]) end
end
