-- Takes over from formats 3 and 4 what stands beside records: copies that are out, and what senders have, a part of a hash at a time. The
-- records have their present keys by now (shorten.lua).
-- KEYS: the prefix of a shard; for `ages` those of all.
-- ARGV: the present time (ms), `held` or `out`, and names without the prefix and this; all `held` come before any `out`. Or `ages`: each
-- shard had its own counts of what is pending; now those of all stand with the first.
-- Reply: how many of these names have more.
-- Complexity: O(n) for n names, and about 100 entries of each.
--- @include "older-copies"
--- @include "older-keys"
times.now = tonumber(ARGV[1])
local kind = ARGV[2]

local function repack_held(sender, flat)
  for at = 1, #flat, 2 do
    local key, recipient = flat[at], match(flat[at + 1], '^%d+ (.*)$')
    if recipient then
      redis.call('HDEL', KEYS[1] .. ':load', sender .. ' ' .. recipient)
      older_copies.take_over(older_keys.shortened(key), recipient, redis.call('HGET', name_of('out', recipient), key), flat[at + 1], sender, true)
    end
  end
end

local function repack_out(recipient, flat)
  for at = 1, #flat, 2 do
    local key = older_keys.shortened(flat[at])
    if not copies.get(key, recipient) then older_copies.take_over(key, recipient, flat[at + 1]) end
  end
end

-- Returns whether there is more.
local function repack(id)
  local name = name_of(kind, id)
  local flat = redis.pcall('HRANDFIELD', name, 100, 'WITHVALUES')
  -- It was damaged.
  if flat.err then return redis.call('DEL', name) == 0 end
  if kind == 'held' then repack_held(id, flat) else repack_out(id, flat) end
  for at = 1, #flat, 2 do redis.call('HDEL', name, flat[at]) end
  return redis.call('EXISTS', name) == 1
end

local function gather_ages()
  for position = 2, #KEYS do
    local name = KEYS[position] .. ':ages'
    local flat = redis.call('HGETALL', name)
    for at = 1, #flat, 2 do redis.call('HINCRBY', name_of('ages'), flat[at], flat[at + 1]) end
    redis.call('DEL', name)
  end
end

if kind == 'ages' then gather_ages() end
local left = 0
for position = 3, #ARGV do
  if repack(ARGV[position]) then left = left + 1 end
end
return left
