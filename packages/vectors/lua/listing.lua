-- Prelude of the verbs that change vectors: what the vector sets of the server have of a document.
--
-- Stands on: sets, redis/time

-- What the sets have of a document from now on: vectors, false for none, or nil for what they have. `bytes` are its new vectors, '' for
-- those that it has: `stored`, or, if that is nil, those under the key.
local function listed(sets, old, new, bytes, key, stored)
  if new.is_deletion then return false end
  -- Expired ones may have been taken out.
  local was_listed = old and not old.is_deletion and (old.expiry == 0 or old.expiry > millis)
  if bytes == '' and was_listed and old.digest == new.digest then return nil end
  if bytes == '' then bytes = stored or redis.call('GET', key) or '' end
  return read_vectors(bytes, sets) == new.digest and bytes or false
end

local function list_vectors(sets, id, vectors)
  if vectors == false then clear_sets(sets, id) elseif vectors then fill_sets(sets, id, vectors) end
end
