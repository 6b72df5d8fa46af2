--- @include "presence"
-- The processes that serve the domain, and which of them probes everybody.

-- This process' link is up. A process that has not said so for `alive_for` (ms) is gone.
-- Reply: count, how many others serve the domain, and how many subscribers the component itself has.
function presence.heartbeat(process, now, alive_for, own)
  local name = name_of('alive')
  redis.call('ZADD', name, now, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(alive_for))
  return 'count\0' .. redis.call('ZCARD', name) - 1 .. '\0' .. redis.call('HLEN', name_of('sub', own))
end

-- This process' link is down. Reply: count, how many others serve the domain.
function presence.leave_service(process, now, alive_for)
  local name = name_of('alive')
  redis.call('ZREM', name, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(alive_for))
  return 'count\0' .. redis.call('ZCARD', name)
end

-- Who probes everybody when the link is back: one process for all. Reply: go; wait, while another is at it; joined, when that one
-- has only just begun.
function presence.claim_probing(process, now, keep, recent)
  local name = name_of('asking')
  local other, since = (redis.call('GET', name) or ''):match('^(%S+) (%d+)$')
  if other and other ~= process and redis.call('ZSCORE', name_of('alive'), other) then
    return tonumber(now) - tonumber(since) < tonumber(recent) and 'joined' or 'wait'
  end
  redis.call('SET', name, process .. ' ' .. now, 'PX', keep)
  return 'go'
end

-- Reply: done.
function presence.renew_probing(process, keep)
  local name = name_of('asking')
  local other = (redis.call('GET', name) or ''):match('^(%S+) ')
  if other == process then redis.call('PEXPIRE', name, keep) end
  return 'done'
end

-- Reply: done.
function presence.release_probing(process)
  local name = name_of('asking')
  if (redis.call('GET', name) or ''):match('^(%S+) ') == process then redis.call('DEL', name) end
  return 'done'
end
