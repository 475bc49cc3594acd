-- Prelude of the verbs that write documents: writes those of the call, and makes their verdicts, which put.lua describes.
--
-- then, for each document: KEYS its key, and that of its vectors in each generation; ARGV put, patch or delete, its id, the event
-- time in ms or '' for now, the token or 0, 8 bytes that name its issuer, the time to live in ms or '', 16 bytes that name what the
-- vectors are made of, the sequence that must be there or '', the body, the number of the last change of the generations that the
-- caller knows, these with spaces between, then, of each, the vectors, or '' to keep those that are there
--
-- Stands on: judge
local FIELDS, FIRST = 11, 3
local fresh, documents, entries, verdicts = {}, {}, {}, {epoch}
local n = redis.call('HGET', META, 'n')

local at, place = 3, FIRST
while at <= #ARGV do
  local word, id, time, token, issuer, ttl, digest, seen, body, known_n, names = unpack(ARGV, at, at + FIELDS - 1)
  at, place = at + FIELDS, place + 1
  local key, vectors = KEYS[place], {}
  if known_n ~= n then return {'unknown'} end
  for _ in string.gmatch(names, '%d+') do
    place = place + 1
    vectors[#vectors + 1] = {KEYS[place], ARGV[at]}
    at = at + 1
  end
  local new, verdict = judge(fresh[key] or read_head(key), word, time, token, issuer, ttl, digest, seen)
  verdicts[#verdicts + 1] = verdict
  if new then
    fresh[key] = new
    documents[#documents + 1] = {key, new, body, vectors}
    entries[#entries + 1], entries[#entries + 2] = text_of(new.sequence), id
  end
end
if #documents > 0 then
  redis.call('XADD', BELL, 'MAXLEN', '~', 16, '*', 'seq', text_of(seq))
  for _, document in ipairs(documents) do
    local key, new, body, vectors = unpack(document)
    local kept = new.is_deletion and new.expiry or kept_until(new.expiry)
    redis.call('SET', key, head_bytes(new, #body) .. body)
    if kept > 0 then redis.call('PEXPIREAT', key, text_of(kept)) end
    for _, each in ipairs(vectors) do
      if new.is_deletion then redis.call('UNLINK', each[1])
      else
        if each[2] ~= '' then redis.call('SET', each[1], each[2]) end
        if kept > 0 then redis.call('PEXPIREAT', each[1], text_of(kept)) else redis.call('PERSIST', each[1]) end
      end
    end
  end
  redis.call('ZADD', LOG, unpack(entries))
  redis.call('HSET', META, 'seq', text_of(seq))
end
