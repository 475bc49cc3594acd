-- work: end deliveries and claim new ones, for a session that this call renews.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] how many tasks are wanted  ARGV[4] the highest token that the worker
-- knows of  ARGV[5] the number of this call of the session
-- ARGV[6] '1' if an earlier call may have done the same  ARGV[7] the epoch in which the worker knows what it has
-- ARGV[8] how many deliveries end, then, for each of them: ARGV as settle.lua describes
--
-- Replies {'worked', token, time in ms, ms until there may be more, -1 if nobody knows, '' if
-- there may be more now, the ticks that are due as due.lua has them, since when there has been a worker, 'unconfirmed' if tokens wait for that, 'paced' if there is a
-- rate, or '', the epoch, level, entries, ...} or {'lost'} when the session is over
--
-- Stands on: queue, redis/epoch, redis/sessions, begun, due, endings, retention, reap, returned, sleep
local session, want = ARGV[1], tonumber(ARGV[3])
local ends = redis.call('ZSCORE', SESSIONS, session)
if not ends then return {'lost'} end
prolong(session, ends, ARGV[2])

local identity = redis.call('HMGET', META, 'server', 'epoch', 'token', 'confirmed', 'cancelling',
  'keep', 'keep_for', 'dead_keep', 'dead_keep_for', 'owned', 'unique', 'fans', 'breaker')
local epoch, last = epoch_of(identity)
marks, owned, unique, fanned = tonumber(identity[5] or 0), identity[10], identity[11], identity[12]
read_breaker(identity[13])
-- A call that arrives after a later one has been repeated by that, or was given up; nobody would learn what it claims.
local late = not is_next(session, ARGV[5])
if late then want = 0 end
local count, back = tonumber(ARGV[8]), 0
quiet = true
if count > 0 then
  back = settle(session, 9, count, late or ARGV[6] == '1' or ARGV[7] ~= epoch)
  identity[10] = owned
  forget({unpack(identity, 6, 10)})
  sweep()
end

local meta = redis.call('HMGET', META, 'levels', 'paused', 'since', 'announced')
local limits = redis.call('HMGET', META, 'limit', 'rate', 'per')
local levels = levels_of(meta[1])
if want > 0 then promote() reap(levels) end
local token, early = next_token(last, ARGV[4], identity[4] == epoch)
local allowed, pause = admit((meta[2] or early > 0) and 0 or want, levels, limits)
if early > 0 then pause = early end

local got = claim(session, allowed, levels)
if got > 0 and limits[2] then begin('', tonumber(limits[3]), got) end
if is_announced(meta[4], 'b') then tell_begun(session) end
-- Whoever was given all that it wanted may have left something, or made room for it.
local gives, is_empty = got + pushed + back > 0 or count > 0 and (limits[1] or broken), got < want or want == 0
if gives and got >= want and not meta[2] then is_empty = leave_to_others(levels) end
local issued = '0'
if got > 0 then
  issued = string.format('%.0f', token)
  redis.call('HSET', META, 'token', issued)
end
local reply = {'worked', issued, string.format('%.0f', now), '', {}, meta[3] or '0', '', epoch}
-- After void entries there may be others.
if is_empty then reply[4] = void > 0 and '0' or string.format('%.0f', soonest(pause)) end
if want > 0 then reply[5] = due_ticks() end
if early > 0 then reply[7] = 'unconfirmed' elseif limits[2] or key_rate then reply[7] = 'paced' end
for index, claim in ipairs(claims) do reply[8 + index] = claim end
return reply
