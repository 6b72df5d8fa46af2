--- @include "presence"
--- @include "subscriptions"
-- What is done while presence is not known, and with the answers to probes (RFC 6121 section 4.3).

-- Their presence is not known until it is heard of again. Reply: done.
function presence.forget_presence(...)
  for _, user in ipairs({ ... }) do
    local name = name_of('sessions', user)
    redis.call('HDEL', name, '')
    for _, field in ipairs(presence.resources(name)) do presence.set_heard(name, field, '0') end
  end
  return 'done'
end

-- A user is about to be probed: each of his sessions is to be heard of again. Reply: as subscribers_of.
function presence.begin_probe(user)
  local name = name_of('sessions', user)
  for _, field in ipairs(presence.resources(name)) do
    if not redis.call('HGET', name, field):match('^%d+;%a;0;') then presence.set_heard(name, field, '1') end
  end
  return presence.subscribers_of(user)
end

-- The time for an answer is over. What was not heard of has ended, if this is `final`; otherwise it is to be probed once more.
-- Without any his presence is known again. `only`: the one session that was probed, or ''.
-- Reply: list of the resources that were not heard of.
function presence.end_unheard(user, now, final, only)
  if not presence.has_subscriber(user) then return 'list' end
  local name = name_of('sessions', user)
  local unheard = {}
  for _, field in ipairs(presence.resources(name)) do
    local heard = redis.call('HGET', name, field):match('^%d+;%a;([01]);')
    if heard and (only == '' or (field == only and heard == '1')) then unheard[#unheard + 1] = field end
  end
  if #unheard > 0 and final ~= '1' then return list_of('list', unheard) end
  if only == '' then redis.call('HSETNX', name, '', now) end
  for _, field in ipairs(unheard) do presence.end_session(user, field) end
  return list_of('list', unheard)
end

-- A session has said to some of his subscribers that it is unavailable, and time has passed in which the others would have been
-- told as well. Reply: none, when it is there no more or hides from nobody; ended, when there are no others, so that it has
-- ended; subscriber, one of them, in whose name his server is to be probed: it is to be heard of again.
function presence.who_still_sees(user, resource)
  local name = name_of('sessions', user)
  if redis.call('HEXISTS', name, resource) == 0 then return 'none' end
  if redis.call('EXISTS', name_of('hidden', user .. '\0' .. resource)) == 0 then return 'none' end
  local informed = {}
  for _, subscriber in ipairs(redis.call('SMEMBERS', name_of('hidden', user .. '\0' .. resource))) do informed[subscriber] = true end
  local pairs_of = redis.call('HGETALL', name_of('sub', user))
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] == 's' and not informed[pairs_of[i]] then
      if not redis.call('HGET', name, resource):match('^%d+;%a;0;') then presence.set_heard(name, resource, '1') end
      return 'subscriber\0' .. pairs_of[i]
    end
  end
  presence.end_session(user, resource)
  return 'ended'
end
