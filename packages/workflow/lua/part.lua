-- Prelude of every verb: the partition's layout, what META has of tokens, whose a run is, and how mail is sent. The keys are
-- those of src/keys.ts.
--
-- The key layout and the record formats that these scripts know. Of a newer one they touch nothing.
local LAYOUT = 1
local meta = redis.call('HMGET', META, 'server', 'epoch', 'token', 'ceiling', 'layout') -- before this call changes any
local layout = meta[5]
if layout and tonumber(layout) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. layout) end

-- What a run is that is not over, from its entry in LIVE. That of an owned one is
--   <claim token>:<commits>:<session>:<priority>:<build>
-- and of another
--   <r ready, l in the line of its key, d delayed, k the same with a key, p parked, or s stuck>:<priority>:<build>:<expires>:<since>
-- Build is the highest that has committed to it; "=" behind it: only that one may go on with it; "e": any worker ends it.
-- Expires is '-' of one that has begun, else by when it has to, in ms, or 0. Since is in microseconds.
local function life_of(entry)
  if not entry then return nil end
  if not string.find(entry, '^%d') then
    local word, priority, build, expires, since = string.match(entry, '^(%l):(%d):([%de=]+):([%d-]+):(%d+)$')
    local life = {word = word, priority = priority, build = build, expires = expires, since = tonumber(since)}
    return life
  end
  local token, commits, session, priority, build = string.match(entry, '^(%d+):(%d+):([^:]+):(%d):([%de=]+)$')
  local life = {word = 'o', token = token, commits = commits, session = session, priority = priority, build = build, expires = '-', since = tonumber(token)}
  return life
end

-- The claim token, the number of commits and the session of an owned run's entry in LIVE; nothing for another's.
local function owner_of(entry)
  local life = life_of(entry)
  if life and life.word == 'o' then return life.token, life.commits, life.session end
end

-- Returns how many heard it.
local function mail(mailbox, text)
  return redis.call('PUBLISH', string.sub(META, 1, -5) .. 'to:' .. mailbox, text)
end

-- A session's name begins with its worker's mailbox.
local function mail_to(session, text)
  return mail(string.match(session, '^[^.]+'), text)
end
