-- Takes what is overdue and gives it a lease, during which nobody else takes it.
-- ARGV: now, lease until (ms), how many at most. Returns pairs of a key and its record, without its payload.
local now, lease_until, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local taken = {}
for _, set in ipairs({ due_set, owed_set }) do
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, limit)) do
    local value = redis.call('GET', record_name(key))
    if value then
      redis.call('ZADD', set, 'XX', lease_until, key)
      taken[#taken + 1] = key
      taken[#taken + 1] = strip(value)
    else
      redis.call('ZREM', set, key)
    end
  end
end
return taken
