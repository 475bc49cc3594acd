-- Prelude of every verb of the catalog: its layout, and whether its server is the one that wrote it. The keys: see
-- src/keys.ts.
--
-- CATALOG is a hash:
--   layout, partitions  of the keys, and how many partitions there are
--   id                  of the store: no other has it, whatever its name
--   eraser              "<token> <issuer>": who was the last to erase or restore an entity
--   server, n           the server that it belongs to, and the number of its last change
--   definition:<view>   what was applied last, JSON
--   applied:<view>      the number of the change that applied it
--   live:<view>         the generation that is read
--   last:<view>         the highest number that a generation has had
--   service:<name>@<version>  a version of a service, JSON
--   rank:<lane>         the rank of a lane, which decides between rows with the same event time; lane:<view>:<rank> is the reverse
--
-- ERASURES is a hash of "<entity>:<id>": "<number of the change> erased", or "<number> restored <partition>:<place>,…" with up to
-- where its rows stay erased.
--
-- Stands on: redis/server
local LAYOUT = 1
local known = redis.call('HMGET', CATALOG, 'layout', 'server', 'n', 'partitions')
if known[1] and tonumber(known[1]) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. known[1]) end
identify()
local n = tonumber(known[3] or '0')
-- Another server may know an older catalog: what is live must be asked of the partitions, which know the latest that they
-- were told.
local is_ours = known[2] == SERVER

-- The number of a change that follows on `last`. It is not below the time in ms, so that a catalog which has forgotten changes
-- never gives the number of one of them to another change: programs know definitions by these numbers.
local function after(last) return math.max(last + 1, math.floor(micros / 1000)) end
