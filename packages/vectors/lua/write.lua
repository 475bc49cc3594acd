-- Prelude of the verbs that write documents: writes those of the call, and makes their verdicts, which put.lua describes.
--
-- then, for each document: KEYS its key, and that of its vectors in each generation, with the keys of its vector sets; ARGV put, patch or delete, its id, the event
-- time in ms or '' for now, the token or 0, 8 bytes that name its issuer, the time to live in ms or '', 16 bytes that name what the
-- vectors are made of, the sequence that must be there or '', the body, the number of the last change of the generations that the
-- caller knows, these with spaces between, each with the dimensions of its vector sets ("17:384"), then, of each, the vectors, or '' to
-- keep those that are there
--
-- Stands on: sets, listing, judge
local FIELDS, FIRST = 11, 3
local fresh, fresh_vectors, documents, entries, verdicts = {}, {}, {}, {}, {epoch}
local n = redis.call('HGET', META, 'n')

local at, place = 3, FIRST
while at <= #ARGV do
  local word, id, time, token, issuer, ttl, digest, seen, body, known_n, names = unpack(ARGV, at, at + FIELDS - 1)
  at, place = at + FIELDS, place + 1
  local key, vectors = KEYS[place], {}
  if known_n ~= n then return {'unknown'} end
  for name in string.gmatch(names, '%S+') do
    local target, _, sets, last = KEYS[place + 1], read_sets(name, place + 1)
    vectors[#vectors + 1] = {key = target, bytes = ARGV[at], sets = sets}
    require_sets(sets)
    at, place = at + 1, last
  end
  local old = fresh[key] or read_head(key)
  local new, verdict = judge(old, word, time, token, issuer, ttl, digest, seen)
  verdicts[#verdicts + 1] = verdict
  if new then
    for _, each in ipairs(vectors) do
      if #each.sets > 0 then each.listed = listed(each.sets, old, new, each.bytes, each.key, fresh_vectors[each.key]) end
      if new.is_deletion or each.bytes ~= '' then fresh_vectors[each.key] = each.bytes end
    end
    fresh[key] = new
    documents[#documents + 1] = {key, new, body, vectors, id}
    entries[#entries + 1], entries[#entries + 2] = text_of(new.sequence), id
  end
end
if #documents > 0 then
  redis.call('XADD', BELL, 'MAXLEN', '~', 16, '*', 'seq', text_of(seq))
  for _, document in ipairs(documents) do
    local key, new, body, vectors, id = unpack(document)
    local kept = new.is_deletion and new.expiry or kept_until(new.expiry)
    for _, each in ipairs(vectors) do list_vectors(each.sets, id, each.listed) end
    redis.call('SET', key, head_bytes(new, #body) .. body)
    if kept > 0 then redis.call('PEXPIREAT', key, text_of(kept)) end
    for _, each in ipairs(vectors) do
      if new.is_deletion then redis.call('UNLINK', each.key)
      else
        if each.bytes ~= '' then redis.call('SET', each.key, each.bytes) end
        if kept > 0 then redis.call('PEXPIREAT', each.key, text_of(kept)) else redis.call('PERSIST', each.key) end
      end
    end
  end
  redis.call('ZADD', LOG, unpack(entries))
  redis.call('HSET', META, 'seq', text_of(seq))
end
