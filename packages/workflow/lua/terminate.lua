-- terminate: end a run at once, whoever has it and wherever it waits, under a token of its own. Nothing of it is undone. Its
-- children are cancelled, but for those that go on without it.
--
-- ARGV[1] run  ARGV[2] its generation  ARGV[3] and ARGV[4] its last record, before and behind the token  ARGV[5] for how many
-- ms it is kept  ARGV[6] what its children are told
-- then, for each run, of which there is one: KEYS its journal of that generation, and its state
--
-- Replies {'terminated'}, {'early', ms until a token may be issued}, {'over'}, {'gen', generation} if it is of another: repeat
-- it with that; or {'unknown'}
--
-- Stands on: over, redis/epoch
local run, generation, before, behind, retain, cancel = unpack(ARGV)

-- Children that are over are told nothing.
local function tell_children(journal)
  local PAGE = 200
  for from = 0, redis.call('LLEN', journal) - 1, PAGE do
    for _, text in ipairs(redis.call('LRANGE', journal, from, from + PAGE - 1)) do
      local child = string.sub(text, 1, 2) == 'C ' and cjson.decode(string.match(text, '\n(.*)$'))
      if child and child.run ~= '' and not child.abandoned then EFFECTS.tell(nil, child.run, cancel) end
    end
  end
end

local known = generation_of(run)
if not known then return {'unknown'} end
local life = life_of(redis.call('HGET', LIVE, run))
if not life then return {'over'} end
if known ~= generation then return {'gen', known} end
local _, issued = epoch_of(meta)
local number, early = next_token(issued, life.token or 0, false)
if early > 0 then return {'early', string.format('%.0f', early)} end
local token = string.format('%.0f', number)
local last, journal, state = before .. token .. behind, KEYS[#KEYS - 1], KEYS[#KEYS]
-- Does nothing; but whoever may not end runs is refused here, before anything is written.
redis.call('PERSIST', journal)
redis.call('HSET', META, 'token', token)
redis.call('RPUSH', journal, last)
tell_children(journal)
if life.word == 'o' then mail_to(life.session, 'm' .. run) end
finish(run, life, {retain = retain, status = 'cancelled', journal = journal, state = state, last = last})
return {'terminated'}
