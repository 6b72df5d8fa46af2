--- @include "evidence"
--- @include "session-answers"
-- Who is subscribed to whom, and which sessions are known.
-- sub:<contact> HASH: subscriber -> 's' (subscribed) or 'p<ms>' (asked then). subs SET: all contacts.
-- sessions:<user> HASH: resource -> '<since ms>;<y|n|u>;<last heard ms, 0 or 1 while a probe awaits its answer>;<caps>'; the
-- empty field while his presence is known, with the time (ms) since when, or 'e<ms>' once a session of his has ended, when the last
-- has; NUL and a resource -> '<since ms>-<until ms>' for each time that its priority was
-- negative, joined by commas, the last without its end while it is so.
-- hidden:<user>\0<resource> SET: those of his subscribers to whom that session has said that it is unavailable, while it is not
-- known to have ended.
-- probed:<contact>\0<subscriber> STRING: his server was asked whether that one is subscribed to him, by the subscriber's own (p) or
-- by us (v); its answer is awaited. alive ZSET: processes whose link is up, by when they last said so.
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

-- Fields and values of a user's sessions, and the empty field, without what tells of their priority.
function presence.sessions_hash(user)
  local flat, found = redis.call('HGETALL', name_of('sessions', user)), {}
  for i = 1, #flat, 2 do
    if byte(flat[i]) ~= 0 then
      found[#found + 1] = flat[i]
      found[#found + 1] = flat[i + 1]
    end
  end
  return found
end

-- A session has ended, become another, or gets nothing any more: what was on its way to his bare address may have gone to it.
-- By Redis' clock, which no process' idea of it is ahead of.
function presence.note_end(name)
  if redis.call('HEXISTS', name, '') == 1 then redis.call('HSET', name, '', string.format('e%.0f', times.now)) end
end

-- Forgets a session; returns whether there was one.
function presence.end_session(user, resource)
  local name = name_of('sessions', user)
  if redis.call('HDEL', name, resource) == 0 then return false end
  presence.note_end(name)
  redis.call('HDEL', name, '\0' .. resource)
  redis.call('HDEL', name_of('asked', user), resource)
  redis.call('DEL', name_of('hidden', user .. '\0' .. resource))
  return true
end

-- Forgets all that is known of a user's sessions; returns whether anything was.
function presence.forget_sessions(user)
  local name = name_of('sessions', user)
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
  for _, resource in ipairs(presence.resources(name_of('sessions', contact))) do
    redis.call('SREM', name_of('hidden', contact .. '\0' .. resource), subscriber)
  end
  if redis.call('EXISTS', name_of('sub', contact)) == 0 then redis.call('SREM', name_of('subs'), contact) end
  -- Of whom nobody is told any more, nothing is known: what waited for his presence is the clock's from now on.
  if presence.has_subscriber(contact) or not presence.forget_sessions(contact) then return end
  local confirms = redis.call('GET', name_of('confirms', contact)) == '1'
  local due = times.now + times.first_step
  advance.all(contact, confirms and advance.ALL or advance.MISSED, due)
end

-- Writes when a session was heard of last: 0 when nobody could hear of it, 1 when it was asked after only.
function presence.set_heard(name, field, heard)
  local since, receipts, caps = redis.call('HGET', name, field):match('^(%d+);(%a);?%d*;?(.*)$')
  redis.call('HSET', name, field, since .. ';' .. receipts .. ';' .. heard .. ';' .. caps)
end

-- What a stanza has brought about is kept for a minute by its `token`, where a repeated call could not see it any more. Returns
-- that, or false.
function presence.outcome_of(token) return redis.call('GET', name_of('done', token)) end

function presence.remember_outcome(token, what) redis.call('SET', name_of('done', token), what, 'PX', 60000) end
