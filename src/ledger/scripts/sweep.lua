-- Takes what is overdue and gives it a lease, during which nobody else takes it.
-- ARGV: now, lease until (ms), how many at most. Returns pairs of a key and its record, without its payload.
local now, lease_until, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local taken = {}

local function take(set, member, key, state)
  local value = redis.call('GET', record_name(key))
  -- What is owed about an ending that has since become another is owed no more.
  if value and (state == nil or state_of(value) == state) then
    redis.call('ZADD', set, 'XX', lease_until, member)
    taken[#taken + 1] = key
    taken[#taken + 1] = strip(value)
  else
    redis.call('ZREM', set, member)
  end
end

for _, key in ipairs(redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, limit)) do take(due_set, key, key) end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', owed_set, '-inf', now, 'LIMIT', 0, limit)) do
  take(owed_set, member, member:sub(1, -2), member:sub(-1))
end
return taken
