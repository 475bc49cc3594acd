-- chunks: what lies in a stream of a run behind a place; if that is all there is, and the run goes on, whom to tell of more.
--
-- then, for each call: KEYS the stream and its run's writers
-- ARGV[1] run  ARGV[2] its generation  ARGV[3] stream  ARGV[4] how many entries the
-- reader has passed  ARGV[5] the head of the last of them, or ''  ARGV[6] the reader's mailbox, or ''
--
-- Replies {'more' if not all is told that there is; 'open' if it is, or 'over' if the run is, too; how many entries are passed over because they
-- are not those that the reader has seen, '<step> <latest token>' for each step that has written, '', entry, ...}, or
-- {'gen', generation} if the run is of another: repeat it with that; or {'unknown'}
--
-- Stands on: generations
local key, writers = KEYS[#KEYS - 1], KEYS[#KEYS]
local run, generation, stream, passed, head, mailbox = unpack(ARGV)
local entry = redis.call('HGET', LIVE, run)
local current = generation_of(run)
if not current then return {'unknown'} end
if current ~= generation then return {'gen', current} end
passed = tonumber(passed)
-- A server that forgot may have another stream there: that begins anew.
if passed > 0 and string.match(redis.call('LINDEX', key, passed - 1) or '', '^[^\n]*') ~= head then passed = 0 end
local length = redis.call('LLEN', key)
local reply = {'open', string.format('%.0f', passed)}
for index, text in ipairs(redis.call('HGETALL', writers)) do
  local of, step = string.match(text, '^(%S+) (%S+)$')
  if index % 2 == 1 and of == stream then
    reply[#reply + 1] = step .. ' ' .. string.match(redis.call('HGET', writers, text), '^%d+')
  end
end
reply[#reply + 1] = ''
local at, bytes = passed, 0
while at < length and bytes < 1000000 and at - passed < 1000 do
  for _, text in ipairs(redis.call('LRANGE', key, at, at + 49)) do
    reply[#reply + 1] = text
    at, bytes = at + 1, bytes + #text
  end
end
if at < length then
  reply[1] = 'more'
elseif not entry then
  reply[1] = 'over'
elseif mailbox ~= '' then
  local waiting = redis.call('HGET', writers, stream) or ''
  if not string.find(' ' .. waiting .. ' ', ' ' .. mailbox .. ' ', 1, true) then
    redis.call('HSET', writers, stream, waiting == '' and mailbox or waiting .. ' ' .. mailbox)
  end
end
return reply
