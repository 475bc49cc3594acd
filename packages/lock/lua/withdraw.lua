-- withdraw: take back locks that a failed attempt was granted. A batch of them in one call. Calls nobody: no majority
-- was kept from anybody.
--
-- The fence falls back too: no lease was ever granted under this token. Otherwise a node that comes back empty would be
-- lost for a lease that a majority keeps, as soon as somebody else had tried to take that lease there.
--
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner")
--
-- Replies 'released': afterwards no lock has this value, and it makes no difference whether one had.
for i = 1, #KEYS, 2 do
  local lock, fence, value = KEYS[i], KEYS[i + 1], ARGV[(i + 1) / 2]
  if redis.call('GET', lock) == value then
    redis.call('DEL', lock)
    local token, before = string.match(redis.call('GET', fence) or '', '^(%d+) (%d+)$')
    if token and token == string.match(value, '^%d+') then
      if before == '0' then redis.call('DEL', fence) else redis.call('SET', fence, before, 'KEEPTTL') end
    end
  end
end
return 'released'
