-- Prelude of the verbs of guards, and of all that are guarded: may this token pass, given all that this store has seen, or
-- may have seen?
--
-- A mark is '<token> <issuer>': the highest token that was accepted, and its issuer. A mark of an earlier version has
-- no issuer, and any issuer may take it over. A store that restarted may have lost its last marks, and one without a
-- record may have lost all. It then accepts only tokens that were certainly issued since: tokens are times, so those
-- above its own time plus two windows (one that a token may be ahead of its node, one that clocks may be apart). A
-- token that is further ahead than that was issued by nobody.
--
-- `record` is the guard's record, a hash: server, admitted (microseconds of this server, 0 when it can have lost nothing);
-- `mark` the Redis key of the mark; `claim` has
--   [1] the window in microseconds
--   [2] '1' when the store's persistence is declared synchronous, so that a restart forgets nothing
--   [3] the token  [4] its issuer
--
-- Stands on: server
local function raise(mark, claim)
  local raised = claim[3] .. ' ' .. claim[4]
  if redis.call('GET', mark) ~= raised then redis.call('SET', mark, raised) end
end

-- The reasons to refuse the token that do not depend on the mark.
-- {'ahead', highest token that is accepted}  {'forgotten', lowest token that is refused no more}
local function untimely(record, claim)
  identify()
  local kept = redis.call('HMGET', record, 'server', 'admitted')
  local admitted = tonumber(kept[2])
  if kept[1] ~= SERVER then
    if not (kept[1] and claim[2] == '1') then admitted = micros end
    redis.call('HSET', record, 'server', SERVER, 'admitted', string.format('%.0f', admitted))
  end
  local token, ahead = tonumber(claim[3]), 2 * tonumber(claim[1])
  if token > micros + ahead then return {'ahead', micros + ahead} end
  if admitted > 0 and token <= admitted + ahead then return {'forgotten', admitted + ahead} end
end

-- Also {'issuer', mark, its issuer}  {'lower', mark}
local function refusal(record, mark, claim)
  local when = untimely(record, claim)
  local token, issuer = string.match(redis.call('GET', mark) or '', '^(%d+) ?(.*)$')
  if token and issuer ~= '' and issuer ~= claim[4] then return {'issuer', tonumber(token), issuer} end
  if token and tonumber(claim[3]) < tonumber(token) then return {'lower', tonumber(token)} end
  return when
end
