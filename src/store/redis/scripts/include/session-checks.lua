--- @include "presence"
-- What came of asking sessions whether they are there; session-answers.lua reads it.
-- asked:<user> HASH: resource -> '<since ms>;<asked ms>;<a|s|?>', the session's beginning being that of sessions:<user>.

-- A session that was asked `at` that time has answered (a), or its time is over (s). Reply: done. The answer may have come to another process
-- than the one that asked: it counts more than that the time is over.
function presence.record_ping(user, resource, at, state)
  local since = (redis.call('HGET', name_of('sessions', user), resource) or ''):match('^(%d+)')
  if not since then return 'done' end
  local name = name_of('asked', user)
  local old_since, old_at, old_state = (redis.call('HGET', name, resource) or ''):match('^(%d+);(%d+);(.)$')
  local same = old_since == since
  if state == 's' and same and old_state == 'a' and tonumber(old_at) >= tonumber(at) then return 'done' end
  redis.call('HSET', name, resource, since .. ';' .. at .. ';' .. state)
  redis.call('PEXPIRE', name, asked.KEPT_FOR)
  return 'done'
end

-- An answer came to a process that had not asked, or too late. Reply: yes, when nothing
-- was known to have come before, or no.
function presence.record_stray_ping(user, resource)
  local name = name_of('asked', user)
  local since, at, state = (redis.call('HGET', name, resource) or ''):match('^(%d+);(%d+);(.)$')
  if not since or state == 'a' then return 'no' end
  redis.call('HSET', name, resource, since .. ';' .. at .. ';a')
  return 'yes'
end
