-- Takes what is overdue and gives it a lease, during which nobody else takes it.
-- ARGV: now, lease until (ms), how many at most, message TTL (ms). Returns pairs of a key and its record, without its payload.
local now, lease_until, limit, ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local taken = {}
local paused = is_paused()

-- A member is a key, or a key and the letter of an ending that its sender is owed: keys have one of two lengths.
local function read(member)
  local lettered = #member == KEY + 1 or #member > KEY + DIGEST + 1
  return lettered and member:sub(1, -2) or member, lettered and member:sub(-1)
end

-- Whether a pause keeps it back: further copies, but neither first ones nor the end of a life.
local function kept_back(value)
  return paused and state_of(value) == 'p' and copies_of(value) > 0 and now < stored_at(value) + ttl
end

local function take(wanted)
  local members = redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, wanted)
  for _, member in ipairs(members) do
    local key, state = read(member)
    local value = redis.call('GET', record_name(key))
    -- What is owed about an ending that has since become another is owed no more.
    if not value or (state and state_of(value) ~= state) then
      redis.call('ZREM', due_set, member)
    elseif kept_back(value) then
      redis.call('ZADD', due_set, 'XX', now + PAUSE_STEP, member)
    else
      redis.call('ZADD', due_set, 'XX', lease_until, member)
      taken[#taken + 1] = key
      taken[#taken + 1] = strip(value)
    end
  end
  return #members
end

-- What is kept back must not hide what may go on.
for _ = 1, paused and 10 or 1 do
  local room = limit - #taken / 2
  if room <= 0 or take(room) < room then break end
end
return taken
