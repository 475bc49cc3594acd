-- fetch: what a session has, or else tasks for it, for a session that this call renews: whoever asks again, because an
-- answer was lost, is told of the same tasks. A session is given tasks once.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] how many tasks are wanted, 0 to be told only what it has
-- ARGV[4] '1' if tokens are to be issued for what it has
--
-- Replies as work.lua does
--
-- Stands on: queue, redis/epoch, redis/sessions, begun, due, held, reap, returned, sleep
local session, want = ARGV[1], tonumber(ARGV[3])
local ends = redis.call('ZSCORE', SESSIONS, session)
if not ends then return {'lost'} end
prolong(session, ends, ARGV[2])

local identity = redis.call('HMGET', META, 'server', 'epoch', 'token', 'confirmed', 'cancelling')
local epoch, last = epoch_of(identity)
marks = tonumber(identity[5] or 0)
quiet = true
local meta = redis.call('HMGET', META, 'levels', 'paused', 'since', 'announced', 'breaker')
local limits = redis.call('HMGET', META, 'limit', 'rate', 'per')
local levels = levels_of(meta[1])
read_breaker(meta[5])
local token, early = next_token(last, '0', identity[4] == epoch)

local got = hold(session, levels)
local is_known = got > 0 or redis.call('HEXISTS', META, 'call:' .. session) == 1
local pause = early > 0 and early or -1
if want > 0 and not is_known then
  promote()
  reap(levels)
  local allowed, rest = admit((meta[2] or early > 0) and 0 or want, levels, limits)
  if early == 0 then pause = rest end
  got = claim(session, allowed, levels)
  if got > 0 then redis.call('HSET', META, 'call:' .. session, '1') end
  if got > 0 and limits[2] then begin('', tonumber(limits[3]), got) end
  if is_announced(meta[4], 'b') then tell_begun(session) end
  if got + pushed > 0 and not meta[2] then leave_to_others(levels) end
end

local issued = '0'
if got > 0 and ARGV[4] == '1' then
  issued = string.format('%.0f', token)
  redis.call('HSET', META, 'token', issued)
end
local reply = {'worked', issued, string.format('%.0f', now), '', {}, meta[3] or '0', '', epoch}
if got == 0 then reply[4] = void > 0 and '0' or string.format('%.0f', soonest(pause)) end
if want > 0 then reply[5] = due_ticks() end
if early > 0 then reply[7] = 'unconfirmed' end
for index, claim in ipairs(claims) do reply[8 + index] = claim end
return reply
