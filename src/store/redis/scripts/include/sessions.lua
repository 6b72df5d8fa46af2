--- @include "presence"
-- Sessions: what presence stanzas say of them (RFC 6121 section 4).

-- Whether a subscriber gets the presence of a user that came to him; and whether his server is to be asked, as a letter.
-- An answer to a probe shows that it is so: it goes to the very resource that asked (`direct`), as nothing else does that a
-- server sends by itself.
function presence.is_subscriber(user, subscriber, own, direct, asks)
  local standing = redis.call('HGET', name_of('sub', user), subscriber)
  if standing == 's' then return true, '' end
  if own ~= '' then
    if not evidence.is_subscribed(own, user) then return false, '' end
    presence.put(user, own, 's')
    return true, 'p'
  end
  local probed = redis.call('EXISTS', name_of('probed', user .. '\0' .. subscriber)) == 1
  if probed and direct == '1' then
    redis.call('DEL', name_of('probed', user .. '\0' .. subscriber))
    presence.put(user, subscriber, 's')
    return true, ''
  end
  -- Broadcast, perhaps, to one who was a subscriber before Redis was emptied; or meant for him alone, who is none.
  if probed or standing or not asks then return false, '' end
  redis.call('SET', name_of('probed', user .. '\0' .. subscriber), 'v', 'PX', presence.PROBED_FOR)
  return false, 'v'
end

-- Records whether a session's priority is negative. Returns whether it was until now and is no longer, and whether it is as from now.
function presence.record_priority(name, resource, is_low, now)
  local field = '\0' .. resource
  local was = redis.call('HGET', name, field)
  local was_low = was and not find(was, '%-%d+$')
  if is_low and not was_low then
    local before = was and was .. ',' or ''
    -- Of one that goes up and down all the time, the oldest is forgotten.
    if #before > presence.MOST_LOW then before = before:match('^[^,]*,(.*)$') end
    redis.call('HSET', name, field, before .. now)
  elseif was_low and not is_low then redis.call('HSET', name, field, was .. '-' .. now) end
  return was_low and not is_low, is_low and not was_low
end

-- A session says to one subscriber that it is unavailable. It has ended when it has said so to all of them; until then that
-- may have been meant for this one alone (RFC 6121 section 4.6.4). Returns what has happened, and the resource if it has ended.
function presence.unavailable_to(user, resource, subscriber)
  if redis.call('HEXISTS', name_of('sessions', user), resource) == 0 then return 'none' end
  local subscribers = redis.call('HLEN', name_of('sub', user))
  if subscribers > 1 then
    local name = name_of('hidden', user .. '\0' .. resource)
    redis.call('SADD', name, subscriber)
    redis.call('PEXPIRE', name, presence.HIDDEN_FOR)
    if redis.call('SCARD', name) < subscribers then return 'left' end
  end
  presence.end_session(user, resource)
  return 'ended', resource
end

-- Presence of a user that came to a subscriber: `available` is 1, 2 with a negative priority, 0 when it is not. `own` is the
-- component's domain when it came to that: presence that a subscriber of ours sends us counts from the first on.
-- `direct`: it was for one resource of the subscriber's.
-- Reply: what has happened: began (a session, or it may be written to from now on), updated, returned (updated, for the first time
-- since nobody heard what it did), ended, left (it has ended, or hides from this subscriber), none (nothing, or we do not get his
-- broadcasts); flags: c to look at its capabilities, p when his server is to be asked whether we get all, v when it is to be asked
-- whether this subscriber does; then the resources of the sessions that have ended.
function presence.record_presence(user, subscriber, resource, available, now, caps, own, token, direct)
  local subscribed, flags = presence.is_subscriber(user, subscriber, own, direct, available ~= '0' and resource ~= '')
  if not subscribed then return 'none\0' .. flags end
  local name = name_of('sessions', user)
  redis.call('HSETNX', name, '', now)
  if available ~= '0' then
    if resource == '' then return 'none\0' .. flags end
    local value = redis.call('HGET', name, resource)
    if not value then
      redis.call('HSET', name, resource, now .. ';u;' .. now .. ';' .. caps)
      presence.record_priority(name, resource, available == '2', now)
      presence.remember_outcome(token, 'began')
      return 'began\0c' .. flags
    end
    redis.call('SREM', name_of('hidden', user .. '\0' .. resource), subscriber)
    local since, receipts, heard, old_caps = value:match('^(%d+);(%a);?(%d*);?(.*)$')
    local raised, lowered = presence.record_priority(name, resource, available == '2', now)
    if lowered then presence.note_end(name) end
    if raised then presence.remember_outcome(token, 'began') end
    local before = (since == now or heard == now) and presence.outcome_of(token)
    local began = before == 'began'
    -- It may have been another meanwhile: nobody could hear of it.
    local returned = before == 'returned' or heard == '0'
    if returned then presence.remember_outcome(token, 'returned') end
    heard = tonumber(heard) or 0
    -- Each subscriber is sent the same: one word of it is enough.
    local what = ((began or raised) and 'began') or (returned and 'returned') or (tonumber(now) - heard > 1000 and 'updated') or 'none'
    -- Without any they are those of before: a server may leave out what is unchanged (XEP-0115 section 8.4).
    if caps ~= '' and caps ~= old_caps then
      receipts = 'u'
      flags = 'c' .. flags
    else
      caps = old_caps
      -- Who was to find out may be gone.
      if began or (receipts == 'u' and tonumber(now) - heard > 60000) then flags = 'c' .. flags end
    end
    redis.call('HSET', name, resource, since .. ';' .. receipts .. ';' .. now .. ';' .. caps)
    return what .. '\0' .. flags
  end
  if resource ~= '' then
    local what, ended = presence.unavailable_to(user, resource, subscriber)
    return what .. '\0' .. flags .. (ended and '\0' .. ended or '')
  end
  -- "He is offline", whoever hears it.
  local ended = presence.resources(name)
  if #ended == 0 then return 'none\0' .. flags end
  for _, one in ipairs(ended) do presence.end_session(user, one) end
  return list_of('ended\0' .. flags, ended)
end

-- Somebody logs in on a resource that has a session: it is another one from now on, if it is so old (ms) at least. Reply: yes,
-- or no when it is not.
function presence.renew_session(user, resource, now, older, token)
  local name = name_of('sessions', user)
  local value = redis.call('HGET', name, resource)
  if not value then return 'no' end
  local since, rest = value:match('^(%d+)(.*)$')
  if since == now then return presence.outcome_of(token) or 'no' end
  if tonumber(now) - tonumber(since) < tonumber(older) then return 'no' end
  redis.call('HSET', name, resource, now .. rest)
  presence.note_end(name)
  redis.call('DEL', name_of('hidden', user .. '\0' .. resource))
  presence.remember_outcome(token, 'yes')
  return 'yes'
end

-- Records whether a session returns receipts, if it still has the capabilities that were looked at. Reply: done.
function presence.record_receipt_support(user, resource, caps, answer)
  local name = name_of('sessions', user)
  local value = redis.call('HGET', name, resource)
  if not value then return 'done' end
  local since, heard, now_caps = value:match('^(%d+);%a;?(%d*);?(.*)$')
  if caps ~= '' and caps ~= now_caps then return 'done' end
  redis.call('HSET', name, resource, since .. ';' .. answer .. ';' .. heard .. ';' .. now_caps)
  return 'done'
end

-- Whether each of a user's sessions has said to one subscriber that it is unavailable.
function presence.is_hidden(user, subscriber)
  for _, resource in ipairs(presence.resources(name_of('sessions', user))) do
    if redis.call('SISMEMBER', name_of('hidden', user .. '\0' .. resource), subscriber) == 0 then return false end
  end
  return true
end

-- Whether a user is available, as far as he shows it to a subscriber. Reply: yes or no.
function presence.is_available(user, subscriber)
  local shown = redis.call('HGET', name_of('sub', user), subscriber) == 's' and not presence.is_hidden(user, subscriber)
  return shown and evidence.presence_of(user) == 'o' and 'yes' or 'no'
end
