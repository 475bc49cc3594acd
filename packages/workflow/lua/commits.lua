-- Prelude of the verb that commits: what it needs besides the endings.
--
-- then, for each run: ARGV as commit.lua has it
--
-- Stands on: endings

-- Of the build that has committed to a run until now, and of one that does.
local function higher(until_now, build)
  if not tonumber(until_now) then return until_now end
  if string.sub(build, -1) == '=' or tonumber(build) > tonumber(until_now) then return build end
  return until_now
end

-- Carries out the commands of steps whose effects are in ARGV from `at` on, each of so many fields. Gives why Redis refused
-- one: those after it are left out.
local function write_effects(at, effects, fields)
  for from = at, at + fields * (effects - 1), fields do
    if ARGV[from] == 'write' then
      local reply = redis.pcall(unpack(cjson.decode(ARGV[from + 1])))
      if type(reply) == 'table' and reply.err then return reply.err end
    end
  end
end

-- They were carried out before the rest.
function EFFECTS.write() end

-- Nothing of the commit is kept: the run is stuck, and its steps are run again when it goes on.
local function refuse(run, life, reason)
  ENDINGS.stuck({run = run, life = life, argument = 'Redis refused an effect: ' .. reason})
  return 'refused 0'
end

-- A commit that only appends, as most do, by an owner whose build has committed before: to compare the entry costs a third
-- of what it costs to read it. Its records are in ARGV from `at` on. Gives the length of the journal; nothing if it is to be
-- looked at closely.
local function go_on(run, entry, journal, at, epoch)
  local token, commits, session, build = unpack(ARGV, at - 9, at - 6)
  local owned = token .. ':' .. commits .. ':' .. session .. ':'
  local as_owned = entry and string.sub(entry, 1, #owned) == owned and string.sub(entry, #owned + 3) == build
  if not as_owned or tonumber(token) < tonumber(epoch) or ARGV[at - 1] == '0' then return nil end
  local length = redis.call('RPUSH', journal, unpack(ARGV, at, at + ARGV[at - 1] - 1))
  clear_falls(run)
  redis.call('HSET', LIVE, run, token .. ':' .. commits + 1 .. ':' .. session .. ':' .. string.sub(entry, #owned + 1))
  return length
end
