-- write: carry out commands if the token is not stale, in one step with the check.
--
-- KEYS[1], KEYS[2] and ARGV[1] to ARGV[4] as memory.lua names them
-- then, for each command: KEYS its first key; ARGV its name, the number of its further arguments, those arguments
--
-- Replies {'written', reply...}  {'failed', number of the command, its error}, or a refusal of redis/marks.lua
--
-- Stands on: redis/marks, memory
local refused = refusal(guard_record, mark, claim)
if refused then return refused end
raise(mark, claim)

local reply = {'written'}
local arg = 5
for key = 3, #KEYS do
  local name, count = ARGV[arg], tonumber(ARGV[arg + 1])
  local result = redis.pcall(name, KEYS[key], unpack(ARGV, arg + 2, arg + 1 + count))
  if type(result) == 'table' and result.err then
    return {'failed', key - 2, result.err}
  end
  reply[#reply + 1] = result
  arg = arg + 2 + count
end
return reply
