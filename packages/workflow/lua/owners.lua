-- Prelude of the verbs that commit: whether a run is owned as its worker says.
--
-- Stands on: part

-- Of the build that has committed to a run until now, and of one that does.
local function higher(until_now, build)
  if not tonumber(until_now) then return until_now end
  if string.sub(build, -1) == '=' or tonumber(build) > tonumber(until_now) then return build end
  return until_now
end

-- Why a commit is refused, as in the reply; nothing if it is the owner's, and the next one.
local function refusal_of(life, token, commits, session, epoch)
  if not life or life.token ~= token or life.session ~= session then return 'stale 0' end
  if tonumber(token) < tonumber(epoch) then return 'epoch 0' end
  if life.commits ~= commits then return 'behind 0' end
end
