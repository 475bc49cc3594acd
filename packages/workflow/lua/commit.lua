-- commit: append records to the journals of runs under their owners' tokens, and say what becomes of the runs.
--
-- then, for each run: KEYS its journal and its state; ARGV run, claim token, commits so far, session, the worker's build,
-- ending, its argument, what is published or '', how many effects follow the records, how many records follow, the records,
-- and of each effect its word and four arguments: 'child', the child, its generation, its header,
-- '<parent>.<generation> <place>'; 'tell', a run, a record, '', ''; or 'write', a command as JSON, '', '', ''
--
-- Replies {'committed', for each '<word> <length>'}: committed; again if it was to be parked and something came in
-- meanwhile; refused if Redis refused a command, and nothing else was done; stale if it is not owned so; behind if another
-- commit came before; epoch if the claim is of an earlier one
--
-- Stands on: commits, owners, redis/epoch
counted = {}
local epoch = epoch_of(meta)
local HEAD, EFFECT, count, at = 10, 5, 0, 1
-- Where what follows one run begins.
local function after(at)
  return at + HEAD + ARGV[at + HEAD - 1] + EFFECT * ARGV[at + HEAD - 2]
end
while at <= #ARGV do count, at = count + 1, after(at) end

-- ARGV from `at` on, and the keys, are those of one run.
local function commit(at, journal, state)
  local run, token, commits, session, build, ending, argument, published, effects, records = unpack(ARGV, at, at + HEAD - 1)
  local life = life_of(redis.call('HGET', LIVE, run))
  local refusal = refusal_of(life, token, commits, session, epoch)
  if refusal then return refusal end
  local refused = effects ~= '0' and write_effects(at + HEAD + records, tonumber(effects), EFFECT)
  if refused then return refuse(run, life, refused) end
  local length
  if records == '0' then length = redis.call('LLEN', journal) else
    length = redis.call('RPUSH', journal, unpack(ARGV, at + HEAD, at + HEAD - 1 + records))
    clear_falls(run)
  end
  if records ~= '0' or ending == 'park' then life.build = higher(life.build, build) end
  if published ~= '' then redis.call('SET', state, published) end
  local next = token .. ':' .. commits + 1 .. ':' .. session .. ':' .. life.priority .. ':' .. life.build
  local made = {
    run = run, life = life, build = build, argument = argument, next = next, journal = journal, state = state,
    length = length, added = tonumber(records), last = ARGV[at + HEAD - 1 + records],
  }
  for effect = 0, effects - 1 do
    local from = at + HEAD + records + EFFECT * effect
    EFFECTS[ARGV[from]](made, unpack(ARGV, from + 1, from + EFFECT - 1))
  end
  if effects ~= '0' then made.length = redis.call('LLEN', journal) end
  return ENDINGS[ending](made) .. ' ' .. made.length
end

local reply, first = {'committed'}, #KEYS - 2 * count
at = 1
for index = 0, count - 1 do
  reply[index + 2] = commit(at, KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2])
  at = after(at)
end
write_tally()
return reply
