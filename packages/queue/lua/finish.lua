-- finish: end one delivery, if the session still has it, and the session with its last one.
--
-- ARGV[1] session  ARGV[2] the priority of the delivery  ARGV[3] its entry  ARGV[4] the first word of its outcome
-- then the rest of it: ARGV as settle.lua describes
--
-- Replies {'finished'}, {'cancelled'} if the task was cancelled meanwhile, or {'gone'} if the session does not have it
--
-- Stands on: queue, redis/sessions, endings, retention, reap, wake
local session = ARGV[1]
if not is_pending(ARGV[2], ARGV[3], session) then return {'gone'} end
local meta = redis.call('HMGET', META, 'keep', 'keep_for', 'dead_keep', 'dead_keep_for', 'owned',
  'cancelling', 'levels', 'limit', 'breaker')
marks, owned = tonumber(meta[6] or 0), meta[5]
read_breaker(meta[9])
local is_cancelled = redis.call('HEXISTS', CANCELLING, ARGV[2] .. ' ' .. ARGV[3]) == 1
settle(session, 4, 1, false)
meta[5] = owned
forget({unpack(meta, 1, 5)})
sweep()

local levels = levels_of(meta[7])
local is_last = true
for _, level in ipairs(levels) do
  local pending = redis.pcall('XPENDING', stream_of(level), GROUP, '-', '+', 1, session)
  if not pending.err and #pending > 0 then is_last = false end
end
if is_last and take_back(session, levels) then end_session(session) end
-- It may have made room, or know of a task that is due before anybody looks.
if ARGV[4] ~= 'done' or meta[8] or broken then wake() end
if is_cancelled then return {'cancelled'} end
return {'finished'}
