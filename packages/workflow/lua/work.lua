-- work: renew a session, take back what one owns whose time is over, let go what is due, and claim runs.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] how many runs are wanted  ARGV[4] the number of this call of the session
-- ARGV[5] the highest token that the worker knows of
-- then, for each workflow that the worker has: ARGV its name, its build, with "=" behind it if it is pinned
--
-- Replies {'worked', time in ms, ms until something is due or -1, the epoch, the token of the first run, 'drain' if it gets
-- no more until it has none or '', 'low' if the ceiling of tokens is to be raised or '', then for each run {run, its generation, a mark, all records of its journal if that is
-- short}}, each run with a token one above that before; or {'lost'} when the session is over. Marks: '' none, 'e' it is to be
-- ended before it has begun, '!' suspect: it is given out alone; and behind that how often it has fallen, if it has
--
-- Stands on: claim, due, generations, limits, stuck, suspects, waiting, redis/epoch, redis/sessions
counted = {}
local session, want = ARGV[1], tonumber(ARGV[3])
local ends = redis.call('ZSCORE', SESSIONS, session)
if not ends or tonumber(ends) == 0 then return {'lost'} end
prolong(session, ends, ARGV[2])
local epoch, last = epoch_of(meta)
-- Nobody would hear of what a late call claims.
if not is_next(session, ARGV[4]) then want = 0 end

local over = session_over()
if over then
  redis.call('ZADD', SESSIONS, 0, over)
  if free(over, true) then end_session(over) end
end
let_go()
-- Of runs that are kept no longer, the journals are gone by themselves.
for _, run in ipairs(redis.call('ZRANGEBYSCORE', ENDED, '-inf', millis, 'LIMIT', 0, 100)) do forget(run) end

local FIXED = 7
local token, early = next_token(last, ARGV[5], false)
local reply = {'worked', string.format('%.0f', millis), '-1', epoch, string.format('%.0f', token), '', ceiling_is_low(token) and 'low' or ''}
local function claimed() return #reply - FIXED end
local function claim(entries, mark) return give(reply, entries, session, token + claimed(), mark) end
local most = early > 0 and 0 or tokens_from(token, want)
if most > 0 then claim(redis.call('ZRANGEBYLEX', WORK, '[e ', '(e!', 'LIMIT', 0, most), 'e') end

if most > claimed() then
  local suspects, drains = suspects_for(session)
  claim(suspects, '!')
  if drains then reply[6] = 'drain' end
  if drains or #suspects > 0 then most = claimed() end
end

local soon = early > 0 and want > 0 and early or -1
for index = 6, #ARGV, 2 do
  local workflow, build = ARGV[index], ARGV[index + 1]
  local left = most - claimed()
  local allowed, fresh, wait = admit(workflow, left)
  local entries = waiting(workflow, build, allowed, fresh)
  note_begins(workflow, claim(entries, ''))
  if wait >= 0 and (soon < 0 or wait < soon) then soon = wait end
  if #entries < left then fall_asleep(workflow, build, session) end
end
if claimed() > 0 then redis.call('HSET', META, 'token', string.format('%.0f', token + claimed() - 1)) end
reply[3] = soonest(soon)
write_tally()
return reply
