-- Prelude of the verb that writes documents: which writes count.
--
-- ARGV[1] for how long a deletion is kept, in ms  ARGV[2] how far an event time may be ahead of the server's, in ms
--
-- Stands on: document
local tombstones, latest = tonumber(ARGV[1]), millis + ARGV[2]

-- How long Redis keeps a document beyond its expiry, so that it refuses what comes late.
local function kept_until(expiry)
  return expiry == 0 and 0 or expiry + math.min(math.max(expiry - millis, 1000), tombstones)
end

-- What is written in place of `old`, and the verdict.
local function judge(old, word, time, token, issuer, ttl, digest, seen)
  if not (time == '' or is_whole(time)) or not is_whole(token) or not (ttl == '' or is_whole(ttl)) then return nil, 'wrong' end
  local is_there = old and not old.is_deletion and (old.expiry == 0 or old.expiry > millis)
  if seen ~= '' and (not is_there or text_of(old.sequence) ~= seen) then return nil, 'changed' end
  time, token = tonumber(time), tonumber(token)
  if time and time > latest then return nil, 'ahead ' .. text_of(millis) end
  if old then
    -- Tokens of two issuers cannot be compared: then the times decide.
    if token > 0 and issuer == old.issuer and token < old.token then return nil, 'stale ' .. text_of(old.token) end
    if time and time < old.time then return nil, string.format('older %.0f %d %.0f', old.time, old.is_deletion and 1 or 0, old.sequence) end
    if token == 0 then token, issuer = old.token, old.issuer end
  end
  time = time or math.max(millis, old and old.time + 1 or 0)
  local expiry = ttl ~= '' and millis + ttl or word == 'patch' and old.expiry or 0
  if word == 'delete' then expiry = millis + tombstones end
  if word == 'patch' then digest = old.digest end
  local new = {is_deletion = word == 'delete', time = time, token = token, sequence = next_seq(), expiry = expiry, issuer = issuer, digest = digest}
  return new, string.format('written %.0f %d', seq, is_there and 1 or 0)
end
