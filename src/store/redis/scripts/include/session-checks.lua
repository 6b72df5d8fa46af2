--- @include "presence"
-- What came of asking sessions whether they are there; session-answers.lua reads it.
-- asked:<user> HASH: resource -> '<since ms>;<asked ms>;<a|s|?>', the session's beginning being that of sessions:<user>.

-- A session that was asked `at` that time has answered (a), or its time is over (s). The answer may have come to another process
-- than the one that asked: it counts more than that the time is over.
function presence.judged(user, resource, at, state)
  local since = (redis.call('HGET', sessions_name(user), resource) or ''):match('^(%d+)')
  if not since then return '' end
  local name = name_of('asked', user)
  local old_since, old_at, old_state = (redis.call('HGET', name, resource) or ''):match('^(%d+);(%d+);(.)$')
  local same = old_since == since
  if state == 's' and same and old_state == 'a' and tonumber(old_at) >= tonumber(at) then return '' end
  redis.call('HSET', name, resource, since .. ';' .. at .. ';' .. state)
  redis.call('PEXPIRE', name, asked.KEPT_FOR)
  return ''
end

-- An answer came to a process that had not asked, or too late. Returns 1 when nothing was known to have come before, else ''.
function presence.overheard(user, resource)
  local name = name_of('asked', user)
  local since, at, state = (redis.call('HGET', name, resource) or ''):match('^(%d+);(%d+);(.)$')
  if not since or state == 'a' then return '' end
  redis.call('HSET', name, resource, since .. ';' .. at .. ';a')
  return '1'
end
