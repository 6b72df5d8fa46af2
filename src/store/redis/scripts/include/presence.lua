--- @include "evidence"
--- @include "session-answers"
-- Who is subscribed to whom, and which sessions are known.
-- sub:<contact> HASH: subscriber -> 's' (subscribed) or 'p<ms>' (asked then). subs SET: all contacts.
-- sessions:<user> HASH: resource -> '<since ms>;<y|n|u>;<last heard ms, 0 or 1 while a probe awaits its answer>;<caps>'; the
-- empty field while his presence is known; NUL and a resource -> '<since ms>-<until ms>' for each time that its priority was
-- negative, joined by commas, the last without its end while it is so. hidden:<user>\0<resource> SET: those of his subscribers to whom that session has
-- said that it is unavailable, while it is not known to have ended.
-- probed:<contact>\0<subscriber> STRING: his server was asked whether that one is subscribed to him, by the subscriber's own (p) or by us
-- (v); its answer is awaited. alive ZSET: processes whose link is up, by when they last said so.
-- One table, as a script may have no more than 200 locals.
local presence = {}


-- How long a server may take to answer a probe, ms.
presence.PROBED_FOR = 60000
-- Bytes of what is remembered of when a session's priority was negative.
presence.MOST_LOW = 300
-- How long it is remembered to whom a session has said that it is unavailable, ms.
presence.HIDDEN_FOR = 7 * 86400000

-- The resources of a user's sessions.
function presence.resources(name)
  local resources = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if field ~= '' and byte(field) ~= 0 then resources[#resources + 1] = field end
  end
  return resources
end

-- Forgets a session; returns whether there was one.
function presence.end_session(user, resource)
  local name = sessions_name(user)
  if redis.call('HDEL', name, resource) == 0 then return false end
  redis.call('HDEL', name, '\0' .. resource)
  redis.call('HDEL', name_of('asked', user), resource)
  redis.call('DEL', name_of('hidden', user .. '\0' .. resource))
  return true
end

-- Forgets all that is known of a user's sessions; returns whether anything was.
function presence.forget_sessions(user)
  local name = sessions_name(user)
  for _, resource in ipairs(presence.resources(name)) do redis.call('DEL', name_of('hidden', user .. '\0' .. resource)) end
  redis.call('DEL', name_of('asked', user))
  return redis.call('DEL', name) == 1
end

function presence.put(contact, subscriber, value)
  redis.call('HSET', name_of('sub', contact), subscriber, value)
  redis.call('SADD', name_of('subs'), contact)
end

function presence.has_subscriber(user)
  for _, value in ipairs(redis.call('HVALS', name_of('sub', user))) do
    if value == 's' then return true end
  end
  return false
end

function presence.drop(contact, subscriber)
  redis.call('HDEL', name_of('sub', contact), subscriber)
  for _, resource in ipairs(presence.resources(sessions_name(contact))) do
    redis.call('SREM', name_of('hidden', contact .. '\0' .. resource), subscriber)
  end
  if redis.call('EXISTS', name_of('sub', contact)) == 0 then redis.call('SREM', name_of('subs'), contact) end
  -- Of whom nobody is told any more, nothing is known: what waited for his presence is the clock's from now on.
  if presence.has_subscriber(contact) or not presence.forget_sessions(contact) then return end
  local confirms = redis.call('GET', confirms_name(contact)) == '1'
  local due = times.now + times.first_step
  advance.all(contact, confirms and advance.ALL or advance.MISSED, due)
end

-- What a stanza has brought about is kept for a minute by its `token`, where a repeated call could not see it any more.
function presence.done_by(token) return redis.call('GET', name_of('done', token)) end

function presence.note(token, what) redis.call('SET', name_of('done', token), what, 'PX', 60000) end

-- A subscription's step. `nexts` has a letter for each standing (none, asked, asked long ago, subscribed, probed): the one to
-- take (n, p, s), q for none whose subscriber has probed, or = to stay.
-- Returns the letter of the standing before: n, a, o, s, q.
function presence.step(contact, subscriber, now, long_ago, token, nexts)
  local before = presence.done_by(token)
  if before then return before end
  local value = redis.call('HGET', name_of('sub', contact), subscriber)
  local place = 1
  if value == 's' then
    place = 4
  elseif value then
    place = tonumber(now) - tonumber(value:sub(2)) < tonumber(long_ago) and 2 or 3
  elseif redis.call('GET', name_of('probed', contact .. '\0' .. subscriber)) == 'p' then
    place = 5
  end
  local standing, next = ('naosq'):sub(place, place), nexts:sub(place, place)
  if next == '=' then return standing end
  if next == 'q' then
    redis.call('SET', name_of('probed', contact .. '\0' .. subscriber), 'p', 'PX', presence.PROBED_FOR)
    presence.note(token, standing)
    return standing
  end
  redis.call('DEL', name_of('probed', contact .. '\0' .. subscriber))
  if next == 'n' then
    presence.drop(contact, subscriber)
  else
    presence.put(contact, subscriber, next == 'p' and 'p' .. now or 's')
  end
  -- The subscriber's server probes when he is let in, which says nothing of his session.
  if next == 's' then redis.call('SET', name_of('granted', subscriber), '1', 'PX', 10000) end
  presence.note(token, standing)
  return standing
end

-- Takes back a request whose sender was told that it could not be stored.
function presence.withdraw(contact, subscriber, asked)
  if redis.call('HGET', name_of('sub', contact), subscriber) == 'p' .. asked then presence.drop(contact, subscriber) end
  return ''
end

-- Whether a subscriber gets the presence of a user that came to him; and whether his server is to be asked, as a letter.
-- An answer to a probe shows that it is so: it goes to the very resource that asked (`direct`), as nothing else does that a
-- server sends by itself.
function presence.is_subscriber(user, subscriber, own, direct, asks)
  local standing = redis.call('HGET', name_of('sub', user), subscriber)
  if standing == 's' then return true, '' end
  if own ~= '' then
    if redis.call('HGET', name_of('sub', own), user) ~= 's' then return false, '' end
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

-- Notes whether a session's priority is negative. Returns whether it was until now and is no longer.
function presence.note_priority(name, resource, is_low, now)
  local field = '\0' .. resource
  local was = redis.call('HGET', name, field)
  local was_low = was and not find(was, '%-%d+$')
  if is_low and not was_low then
    local before = was and was .. ',' or ''
    -- Of one that goes up and down all the time, the oldest is forgotten.
    if #before > presence.MOST_LOW then before = before:match('^[^,]*,(.*)$') end
    redis.call('HSET', name, field, before .. now)
  elseif was_low and not is_low then redis.call('HSET', name, field, was .. '-' .. now) end
  return was_low and not is_low
end

-- A session says to one subscriber that it is unavailable. It has ended when it has said so to all of them; until then that
-- may have been meant for this one alone (RFC 6121 section 4.6.4).
function presence.says_goodbye(user, resource, subscriber)
  if redis.call('HEXISTS', sessions_name(user), resource) == 0 then return '-' end
  local subscribers = redis.call('HLEN', name_of('sub', user))
  if subscribers > 1 then
    local name = name_of('hidden', user .. '\0' .. resource)
    redis.call('SADD', name, subscriber)
    redis.call('PEXPIRE', name, presence.HIDDEN_FOR)
    if redis.call('SCARD', name) < subscribers then return 'D' end
  end
  presence.end_session(user, resource)
  return 'E', resource
end

-- Presence of a user that came to a subscriber: `available` is 1, 2 with a negative priority, 0 when it is not. `own` is the
-- component's domain when it came to that: presence that a subscriber of ours sends us counts from the first on.
-- `direct`: it was for one resource of the subscriber's.
-- Returns '' when we do not get his broadcasts, else what has happened: B (a session began, or may be written to from now on),
-- U (it was updated), H (it was updated, for the first time since nobody heard what it did), E (ended), D (it has ended, or
-- hides from this subscriber), or -; then c to look at its capabilities, p when his server is to be asked whether we get all, and
-- v when it is to be asked whether this subscriber does; then, for E, which.
function presence.see(user, subscriber, resource, available, now, caps, own, token, direct)
  local subscribed, flags = presence.is_subscriber(user, subscriber, own, direct, available ~= '0' and resource ~= '')
  if not subscribed then return flags end
  local name = sessions_name(user)
  redis.call('HSETNX', name, '', now)
  if available ~= '0' then
    if resource == '' then return '-' .. flags end
    local value = redis.call('HGET', name, resource)
    if not value then
      redis.call('HSET', name, resource, now .. ';u;' .. now .. ';' .. caps)
      presence.note_priority(name, resource, available == '2', now)
      presence.note(token, 'B')
      return 'Bc' .. flags
    end
    redis.call('SREM', name_of('hidden', user .. '\0' .. resource), subscriber)
    local since, receipts, heard, old_caps = value:match('^(%d+);(%a);?(%d*);?(.*)$')
    local raised = presence.note_priority(name, resource, available == '2', now)
    if raised then presence.note(token, 'B') end
    local before = (since == now or heard == now) and presence.done_by(token)
    local began = before == 'B'
    -- It may have been another meanwhile: nobody could hear of it.
    local returned = before == 'H' or heard == '0'
    if returned then presence.note(token, 'H') end
    heard = tonumber(heard) or 0
    -- Each subscriber is sent the same: one word of it is enough.
    local what = ((began or raised) and 'B') or (returned and 'H') or (tonumber(now) - heard > 1000 and 'U') or '-'
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
    return what .. flags
  end
  if resource ~= '' then
    local what, ended = presence.says_goodbye(user, resource, subscriber)
    return what .. flags .. (ended and '\0' .. ended or '')
  end
  -- "He is offline", whoever hears it.
  local ended = presence.resources(name)
  if #ended == 0 then return '-' .. flags end
  for _, one in ipairs(ended) do presence.end_session(user, one) end
  return 'E' .. flags .. '\0' .. table.concat(ended, '\0')
end

-- A session has said to some of his subscribers that it is unavailable, and time has passed in which the others would have been
-- told as well. Returns '' when it is there no more, E when there are no others, so that it has ended, else one of them, in
-- whose name his server is to be asked: it is to be heard of again.
function presence.who_sees(user, resource)
  local name = sessions_name(user)
  if redis.call('HEXISTS', name, resource) == 0 then return '' end
  if redis.call('EXISTS', name_of('hidden', user .. '\0' .. resource)) == 0 then return '' end
  local told = {}
  for _, subscriber in ipairs(redis.call('SMEMBERS', name_of('hidden', user .. '\0' .. resource))) do told[subscriber] = true end
  local pairs_of = redis.call('HGETALL', name_of('sub', user))
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] == 's' and not told[pairs_of[i]] then
      if not redis.call('HGET', name, resource):match('^%d+;%a;0;') then presence.set_heard(name, resource, '1') end
      return pairs_of[i]
    end
  end
  presence.end_session(user, resource)
  return 'E'
end

-- Somebody logs in on a resource that has a session: it is another one from now on. Returns R if so, else ''.
function presence.renew(user, resource, now, older, token)
  local name = sessions_name(user)
  local value = redis.call('HGET', name, resource)
  if not value then return '' end
  local since, rest = value:match('^(%d+)(.*)$')
  if since == now then return presence.done_by(token) or '' end
  if tonumber(now) - tonumber(since) < tonumber(older) then return '' end
  if redis.call('EXISTS', name_of('granted', user)) == 1 then return '' end
  redis.call('HSET', name, resource, now .. rest)
  redis.call('DEL', name_of('hidden', user .. '\0' .. resource))
  presence.note(token, 'R')
  return 'R'
end

-- Notes whether a session returns receipts, if it still has the capabilities that were looked at.
function presence.receipts(user, resource, caps, answer)
  local name = sessions_name(user)
  local value = redis.call('HGET', name, resource)
  if not value then return '' end
  local since, heard, now_caps = value:match('^(%d+);%a;?(%d*);?(.*)$')
  if caps ~= '' and caps ~= now_caps then return '' end
  redis.call('HSET', name, resource, since .. ';' .. answer .. ';' .. heard .. ';' .. now_caps)
  return ''
end

-- Writes when a session was heard of last: 0 when nobody could hear of it, 1 when it was asked after only.
function presence.set_heard(name, field, heard)
  local since, receipts, caps = redis.call('HGET', name, field):match('^(%d+);(%a);?%d*;?(.*)$')
  redis.call('HSET', name, field, since .. ';' .. receipts .. ';' .. heard .. ';' .. caps)
end

-- Their presence is not known until it is heard of again.
function presence.unknown(...)
  for _, user in ipairs({ ... }) do
    local name = sessions_name(user)
    redis.call('HDEL', name, '')
    for _, field in ipairs(presence.resources(name)) do presence.set_heard(name, field, '0') end
  end
  return ''
end

-- A user is about to be probed: each of his sessions is to be heard of again. Returns his subscribers.
function presence.ask(user)
  local name = sessions_name(user)
  for _, field in ipairs(presence.resources(name)) do
    if not redis.call('HGET', name, field):match('^%d+;%a;0;') then presence.set_heard(name, field, '1') end
  end
  return presence.subscribers(user)
end

-- Whether each of a user's sessions has said to one subscriber that it is unavailable.
function presence.is_hidden(user, subscriber)
  for _, resource in ipairs(presence.resources(sessions_name(user))) do
    if redis.call('SISMEMBER', name_of('hidden', user .. '\0' .. resource), subscriber) == 0 then return false end
  end
  return true
end

-- Whether a user is here, as far as he shows it to a subscriber.
function presence.is_here(user, subscriber)
  local shown = redis.call('HGET', name_of('sub', user), subscriber) == 's' and not presence.is_hidden(user, subscriber)
  return shown and presence_of(user) == 'o' and '1' or ''
end

function presence.subscribers(user)
  local pairs_of = redis.call('HGETALL', name_of('sub', user))
  local subscribers = {}
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] == 's' then subscribers[#subscribers + 1] = pairs_of[i] end
  end
  return table.concat(subscribers, '\0')
end

-- The time for an answer is over. What was not heard of is returned and, if this is `final`, ended; otherwise it is to be
-- asked once more. Without any his presence is known again.
-- `only`: a session that alone was asked after, or ''.
function presence.judge(user, now, final, only)
  if not presence.has_subscriber(user) then return '' end
  local name = sessions_name(user)
  local unheard = {}
  for _, field in ipairs(presence.resources(name)) do
    local heard = redis.call('HGET', name, field):match('^%d+;%a;([01]);')
    if heard and (only == '' or (field == only and heard == '1')) then unheard[#unheard + 1] = field end
  end
  if #unheard > 0 and final ~= '1' then return table.concat(unheard, '\0') end
  for _, field in ipairs(unheard) do presence.end_session(user, field) end
  if only == '' then redis.call('HSETNX', name, '', now) end
  return table.concat(unheard, '\0')
end

-- This process' link is up. Returns how many others serve the domain, and how many subscribers has the component itself.
function presence.alive(process, now, patience, own)
  local name = name_of('alive')
  redis.call('ZADD', name, now, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(patience))
  return redis.call('ZCARD', name) - 1 .. ' ' .. redis.call('HLEN', name_of('sub', own))
end

-- This process' link is down. Returns how many others serve the domain.
function presence.gone(process, now, patience)
  local name = name_of('alive')
  redis.call('ZREM', name, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(patience))
  return redis.call('ZCARD', name)
end

-- Who asks after everybody when the link is back: one process for all. Returns go, or wait while another is at it, or
-- joined when that one has only just begun.
function presence.claim(process, now, keep, recent)
  local name = name_of('asking')
  local other, since = (redis.call('GET', name) or ''):match('^(%S+) (%d+)$')
  if other and other ~= process and redis.call('ZSCORE', name_of('alive'), other) then
    return tonumber(now) - tonumber(since) < tonumber(recent) and 'joined' or 'wait'
  end
  redis.call('SET', name, process .. ' ' .. now, 'PX', keep)
  return 'go'
end

function presence.keep_claim(process, keep)
  local name = name_of('asking')
  local other = (redis.call('GET', name) or ''):match('^(%S+) ')
  if other == process then redis.call('PEXPIRE', name, keep) end
  return ''
end

function presence.release(process)
  local name = name_of('asking')
  if (redis.call('GET', name) or ''):match('^(%S+) ') == process then redis.call('DEL', name) end
  return ''
end
