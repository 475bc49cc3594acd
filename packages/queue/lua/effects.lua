-- Prelude of the verb that ends deliveries: commands that are carried out with the end of a task.
--
-- then, for each delivery with effects: ARGV as settle.lua describes them
-- Carries out the commands in ARGV[first] to ARGV[last]. Returns why one was refused; those after it are left out.
--
-- Stands on: ended
local function carry_out(first, last)
  while first <= last do
    local words = tonumber(ARGV[first])
    local reply = redis.pcall(unpack(ARGV, first + 1, first + words))
    if type(reply) == 'table' and reply.err then return reply.err end
    first = first + 1 + words
  end
end

-- Carries out the effects described from ARGV[first] on. False if Redis refused one: then the task is a dead letter.
local function take_effect(first, last)
  local reason = carry_out(first + 4, last)
  if not reason then return true end
  local id, key, before, after = unpack(ARGV, first, first + 3)
  bury(id, key, before .. string.sub(cjson.encode(reason), 2, -2) .. after, reason)
  return false
end
