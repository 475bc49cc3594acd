-- Prelude of the verbs that write rows: which of them are about an entity that was erased. FORGOTTEN is a set of
-- "<entity>:<id>"; the record has its size, so that where nothing was erased nothing is looked up.
--
-- Stands on: record

-- The rows from KEYS[first + 1] on that are about an erased entity, by their index from 1. `parts` are the names of the parts of an id,
-- with spaces between; of several, each stands escaped in the id, with slashes between (src/definition/entity.ts).
local function find_erased(keys, first, generation, parts)
  local found, entities, names, of = {}, {}, {}, {}
  if parts == '' or (redis.call('HGET', RECORD, 'erased') or '0') == '0' then return found end
  for entity in string.gmatch(parts, '%S+') do entities[#entities + 1] = entity end
  for index = first + 1, #keys do
    local id = string.sub(keys[index], #RECORD + #generation - 4)
    local pieces = #entities == 1 and {id} or {}
    if #entities > 1 then
      for piece in string.gmatch(id, '[^/]+') do pieces[#pieces + 1] = string.gsub(string.gsub(piece, '%%2F', '/'), '%%25', '%%') end
    end
    for place, piece in ipairs(pieces) do
      names[#names + 1], of[#of + 1] = entities[place] .. ':' .. piece, index - first
    end
  end
  if #names == 0 then return found end
  for place, is_there in ipairs(redis.call('SMISMEMBER', FORGOTTEN, unpack(names))) do
    if is_there == 1 then found[of[place]] = true end
  end
  return found
end
