-- Prelude of the verbs by which runs that are over are handed to an archive before they go.
--
-- ARCHIVES has them by when they may be handed over, in microseconds; of one that was, that is its token and a patience, after
-- which it may be handed over again.
--
-- Names keys: ARCHIVES
local PATIENCE = 300000000

local function is_archived_under(run, token)
  return redis.call('ZSCORE', ARCHIVES, run) == string.format('%.0f', token + PATIENCE)
end
