-- Prelude of the verbs that change vectors: the vector sets of Redis in which the server itself searches those of some generations.
--
-- An element of a set is one vector of a document, "<number from 0>:<id>". A document that was not deleted, and whose stored vectors
-- were made of what it has now, has all of these in the sets; any other document has none.
--
-- then, for each document: KEYS those of its vectors, and of the vector sets of their generation
local DIGEST_BYTES, NUMBER_BYTES = 16, 4

-- The generation that a text such as "17:384:768" names, and its sets, of vectors of so many dimensions each: their keys follow KEYS[place].
local function read_sets(text, place)
  local generation, sets = string.match(text, '^%d+'), {}
  for dimensions in string.gmatch(text, ':(%d+)') do
    place = place + 1
    sets[#sets + 1] = {key = KEYS[place], width = NUMBER_BYTES * dimensions}
  end
  return generation, sets, place
end

-- Whether the server has vector sets, and these keys are some: an error if not.
local function require_sets(sets)
  for _, set in ipairs(sets) do redis.call('VCARD', set.key) end
end

-- What the vectors are made of, and how many each set has of them; nil for bytes that are not vectors of these sets.
local function read_vectors(bytes, sets)
  local counts, length = {}, DIGEST_BYTES + NUMBER_BYTES * #sets
  if #bytes < length then return nil end
  for at, set in ipairs(sets) do
    counts[at] = struct.unpack('<I4', bytes, DIGEST_BYTES + 1 + NUMBER_BYTES * (at - 1))
    length = length + counts[at] * set.width
  end
  return #bytes == length and string.sub(bytes, 1, DIGEST_BYTES) or nil, counts
end

-- Vectors are in the set one after another, so that the first one that is not there is the end.
local function remove_from(set, id, number)
  while redis.call('VREM', set.key, number .. ':' .. id) == 1 do number = number + 1 end
end

-- The sets have these vectors of the document from now on, and no others.
local function fill_sets(sets, id, bytes)
  local _, counts = read_vectors(bytes, sets)
  local at = DIGEST_BYTES + NUMBER_BYTES * #sets + 1
  for index, set in ipairs(sets) do
    for number = 0, counts[index] - 1 do
      -- Redis 8.0 writes a VADD that replaces neither into its log nor to replicas, only one that adds.
      redis.call('VREM', set.key, number .. ':' .. id)
      redis.call('VADD', set.key, 'FP32', string.sub(bytes, at, at + set.width - 1), number .. ':' .. id)
      at = at + set.width
    end
  end
  for index, set in ipairs(sets) do remove_from(set, id, counts[index]) end
end

local function clear_sets(sets, id)
  for _, set in ipairs(sets) do remove_from(set, id, 0) end
end
