-- vector: write the vectors of documents in a generation, each only if they are made of what the document has now.
--
-- then, for each document: KEYS its key, that of its vectors, those of the vector sets of the generation; ARGV the token of the builder or 0, who
-- issued it, the generation with the dimensions of its vector sets ("17:384"), its id,
-- 16 bytes that name what the vectors are made of, the vectors
--
-- Replies {epoch}, then, for each, one of: "written <sequence>", "there <sequence>": it has vectors of that, "newer": it has
-- changed, "gone": it is not there, "dropped": the generation is not, "stale <token of the builder>"
--
-- Stands on: sets, listing, document
local FIELDS, FIRST = 6, 3
local marked = redis.call('HMGET', META, 'mark', 'issuer', 'building')
local mark, builder, building = tonumber(marked[1] or '0'), marked[2], marked[3]
local verdicts, entries, writes, models, fresh = {epoch}, {}, {}, {}, {}

local function exists(generation)
  if models[generation] == nil then models[generation] = redis.call('HEXISTS', META, 'model:' .. generation) == 1 end
  return models[generation]
end

local function verdict_on(key, target, token, issuer, generation, digest)
  if token > 0 and not (generation == building and issuer == builder and token == mark) then return 'stale ' .. text_of(mark) end
  if not exists(generation) then return 'dropped' end
  local head = read_head(key)
  if not head or head.is_deletion or (head.expiry > 0 and head.expiry <= millis) then return 'gone' end
  if head.digest ~= digest then return 'newer' end
  if (fresh[target] or redis.call('GETRANGE', target, 0, DIGEST_BYTES - 1)) == digest then return 'there ' .. text_of(seq) end
  return nil
end

local place = FIRST
for at = 1, #ARGV, FIELDS do
  local token, issuer, name, id, digest, bytes = unpack(ARGV, at, at + FIELDS - 1)
  local key, target, generation, sets, last = KEYS[place + 1], KEYS[place + 2], read_sets(name, place + 2)
  place = last
  require_sets(sets)
  local verdict = verdict_on(key, target, tonumber(token), issuer, generation, digest)
  if not verdict then
    local written = text_of(next_seq())
    verdict, fresh[target] = 'written ' .. written, digest
    writes[#writes + 1] = {key, target, bytes, sets, id}
    entries[#entries + 1], entries[#entries + 2] = written, id
  end
  verdicts[#verdicts + 1] = verdict
end
if #writes == 0 then return verdicts end

redis.call('XADD', BELL, 'MAXLEN', '~', 16, '*', 'seq', text_of(seq))
for _, write in ipairs(writes) do
  list_vectors(write[4], write[5], write[3])
  -- They are kept as long as the document is.
  local left = redis.call('PTTL', write[1])
  redis.call('SET', write[2], write[3])
  if left > 0 then redis.call('PEXPIREAT', write[2], text_of(millis + left)) end
end
redis.call('ZADD', LOG, unpack(entries))
redis.call('HSET', META, 'seq', text_of(seq))
return verdicts
