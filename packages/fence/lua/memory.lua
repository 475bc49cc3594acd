-- Prelude of the guard's verbs: may this token pass, given all that this store has seen, or may have seen?
--
-- A mark is '<token> <issuer>': the highest token that was accepted, and its issuer. A mark of an earlier version has
-- no issuer, and any issuer may take it over. A store that restarted may have lost its last marks, and one without a
-- record may have lost all. It then accepts only tokens that were certainly issued since: tokens are times, so those
-- above its own time plus two windows (one that a token may be ahead of its node, one that clocks may be apart). A
-- token that is further ahead than that was issued by nobody.
--
-- KEYS[1] the guard's record, a hash: server, admitted (microseconds of this server, 0 when it can have lost nothing)
-- KEYS[2] the mark of the resource
-- ARGV[1] the window in microseconds
-- ARGV[2] '1' when the store's persistence is declared synchronous, so that a restart forgets nothing
-- ARGV[3] the token; ARGV[4] its issuer
--
-- Stands on: redis/server
identify()

local function raise()
  local mark = ARGV[3] .. ' ' .. ARGV[4]
  if redis.call('GET', KEYS[2]) ~= mark then redis.call('SET', KEYS[2], mark) end
end

-- The reasons to refuse the token that do not depend on the mark.
-- {'ahead', highest token that is accepted}  {'forgotten', lowest token that is refused no more}
local function untimely()
  local record = redis.call('HMGET', KEYS[1], 'server', 'admitted')
  local admitted = tonumber(record[2])
  if record[1] ~= SERVER then
    if not (record[1] and ARGV[2] == '1') then admitted = micros end
    redis.call('HSET', KEYS[1], 'server', SERVER, 'admitted', string.format('%.0f', admitted))
  end
  local token, ahead = tonumber(ARGV[3]), 2 * tonumber(ARGV[1])
  if token > micros + ahead then return {'ahead', micros + ahead} end
  if admitted > 0 and token <= admitted + ahead then return {'forgotten', admitted + ahead} end
end

-- Also {'issuer', mark, its issuer}  {'lower', mark}
local function refusal()
  local when = untimely()
  local token, issuer = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) ?(.*)$')
  if token and issuer ~= '' and issuer ~= ARGV[4] then return {'issuer', tonumber(token), issuer} end
  if token and tonumber(ARGV[3]) < tonumber(token) then return {'lower', tonumber(token)} end
  return when
end
