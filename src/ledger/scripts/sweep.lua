-- Takes what is overdue and gives it a lease, during which nobody else takes it.
-- ARGV: now, lease until (ms), how many at most. Returns pairs of a key and its record, without its payload.
local now, lease_until, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local taken = {}

-- A member is a key, or a key and the letter of an ending that its sender is owed: keys have one of two lengths.
local function read(member)
  local lettered = #member == KEY + 1 or #member > KEY + DIGEST + 1
  return lettered and member:sub(1, -2) or member, lettered and member:sub(-1)
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, limit)) do
  local key, state = read(member)
  local value = redis.call('GET', record_name(key))
  -- What is owed about an ending that has since become another is owed no more.
  if value and (not state or state_of(value) == state) then
    redis.call('ZADD', due_set, 'XX', lease_until, member)
    taken[#taken + 1] = key
    taken[#taken + 1] = strip(value)
  else
    redis.call('ZREM', due_set, member)
  end
end
return taken
