-- Prelude of every verb: whether these scripts know the partition's layout, whose a run is, and how mail is sent. The keys
-- are those of src/keys.ts.
--
-- Stands on: redis/time
--
-- The key layout and the record formats that these scripts know. Of a newer one they touch nothing.
local LAYOUT = 1
local layout = redis.call('HGET', META, 'layout')
if layout and tonumber(layout) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. layout) end

-- The claim token, the number of commits and the session of an owned run's entry in LIVE; nothing for another's.
local function owner_of(entry)
  if entry then return string.match(entry, '^(%d+):(%d+):(.+)$') end
end

-- Nothing is known of a run any more.
local function forget(run)
  redis.call('HDEL', GEN, run)
  redis.call('ZREM', ENDED, run)
end

-- Its journal is j:<run>.<generation>. False if there is no such run, or if it is over and its time to be kept too.
local function generation_of(run)
  local generation = redis.call('HGET', GEN, run)
  if not generation then return false end
  local kept = redis.call('ZSCORE', ENDED, run)
  if not kept or tonumber(kept) > millis then return generation end
  forget(run)
  return false
end

-- Returns how many heard it.
local function mail(mailbox, text)
  return redis.call('PUBLISH', string.gsub(META, 'meta$', 'to:') .. mailbox, text)
end

-- A session's name begins with its worker's mailbox.
local function mail_to(session, text)
  return mail(string.match(session, '^[^.]+'), text)
end
