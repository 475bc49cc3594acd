-- Prelude of the verb that commits: what it needs besides the endings.
--
-- then, for each run: ARGV as commit.lua has it
--
-- Stands on: endings

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
