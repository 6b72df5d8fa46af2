--- @include "evidence"
-- Due times that are moved: leases, and what is brought forward.

local leases = {}
lazily(leases, function()
-- What waits for its turn stays leased. ARGV[first] to ARGV[last]: keys and attempts; what another has claimed is his.
function leases.renew(lease_until, first, last)
  for position = first, last, 2 do
    local key = ARGV[position]
    local head = head_of(key)
    if head and is_pending(head) and record.attempt_of(head) == tonumber(ARGV[position + 1]) then
      redis.call('ZADD', due_set, 'XX', 'GT', lease_until, key)
    end
  end
end

-- Gives back what was leased until then, if it is not somebody else's by now.
function leases.release(member, lease_until, now)
  if tonumber(redis.call('ZSCORE', due_set, member)) == lease_until then redis.call('ZADD', due_set, 'XX', now, member) end
end

-- Brings the due time forward to `due`, never back, and not while he is known to be away. A pending message that is not due at any time has
-- lost that from outside: nothing would ever be done about it.
function leases.bring_forward(key, due, recipient)
  local current = redis.call('ZSCORE', due_set, key)
  if not current then
    local head = head_of(key)
    if head and is_pending(head) then redis.call('ZADD', due_set, due, key) end
    return 'done'
  end
  if evidence.presence_of(recipient) == 'f' then return 'done' end
  if current and tonumber(current) > due then redis.call('ZADD', due_set, 'XX', due, key) end
  return 'done'
end
end)
